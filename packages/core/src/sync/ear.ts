/**
 * Hears a signal abort for any number of waits with one listener. A listener each would make Node warn
 * of a leak at the eleventh wait, and a hundred waits under one signal are nothing unusual.
 */

/** What to call when a signal aborts. Belongs to this thread alone, as signals do. */
const waits = new WeakMap<AbortSignal, Set<() => void>>();

function callAll(this: AbortSignal): void {
  const calls = waits.get(this);
  waits.delete(this);
  for (const call of calls ?? []) call();
}

/** Calls `call` when `signal` aborts. */
export function hear(signal: AbortSignal, call: () => void): void {
  const calls = waits.get(signal);
  if (calls !== undefined) {
    calls.add(call);
    return;
  }
  waits.set(signal, new Set([call]));
  signal.addEventListener('abort', callAll, { once: true });
}

/** Does not call `call` any more. */
export function unhear(signal: AbortSignal, call: () => void): void {
  const calls = waits.get(signal);
  if (calls === undefined || !calls.delete(call) || calls.size > 0) return;
  waits.delete(signal);
  signal.removeEventListener('abort', callAll);
}
