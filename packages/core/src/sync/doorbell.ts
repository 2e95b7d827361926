/**
 * The doorbell: how the tasks of one thread wait for a shared word without blocking the thread.
 *
 *   task ─┐
 *   task ─┼─▶ one Atomics.waitAsync on the word ──notified──▶ all look again
 *   task ─┘
 *
 * However many tasks wait, at most one `waitAsync` of theirs stands in the engine. It cannot be taken
 * back, so it outlives a task that gives up; hence nobody who notifies this word may count on waking
 * but one: **a word with a doorbell is notified without a count**, so that nothing is swallowed.
 *
 * Where `Atomics.waitAsync` does not exist, as in older browsers, timers look at growing intervals.
 */
import type { Ending, Patience } from './patience.js';
import { Pending } from './pending.js';

const SHORTEST_POLL_MS = 1;
const LONGEST_POLL_MS = 32;

export class Doorbell {
  readonly #words: Int32Array;
  readonly #at: number;
  /** Who waits, and for which value to change. */
  readonly #callers = new Map<Pending<'rung'>, number>();
  #armed = false;
  #pollMs = SHORTEST_POLL_MS;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  /** Waits while the word is `value`, until it is notified. It may ring without a cause. */
  async wait(value: number, patience: Patience): Promise<'rung' | Ending> {
    if (patience.aborted) return 'aborted';
    const caller = new Pending<'rung'>(patience, (given) => this.#callers.delete(given));
    this.#callers.set(caller, value);
    this.#listen(value);
    return caller.outcome;
  }

  /** How many tasks of this thread wait. */
  get waiting(): number {
    return this.#callers.size;
  }

  #listen(value: number): void {
    // A wait that stands already was armed before `value` was read: a notify since then rings it.
    if (this.#armed) {
      if (Atomics.load(this.#words, this.#at) !== value) this.#ring();
      return;
    }
    this.#armed = true;
    if (typeof Atomics.waitAsync !== 'function') {
      this.#poll();
      return;
    }
    const wait = Atomics.waitAsync(this.#words, this.#at, value);
    if (wait.async) void wait.value.then(() => this.#answer());
    else this.#answer();
  }

  #answer(): void {
    this.#armed = false;
    this.#ring();
  }

  #ring(): void {
    const callers = [...this.#callers.keys()];
    this.#callers.clear();
    for (const caller of callers) caller.settle('rung');
  }

  #poll(): void {
    setTimeout(() => {
      if (this.#callers.size === 0) {
        this.#armed = false;
        this.#pollMs = SHORTEST_POLL_MS;
        return;
      }
      const now = Atomics.load(this.#words, this.#at);
      let changed = false;
      for (const [caller, value] of this.#callers) {
        if (value === now) continue;
        changed = true;
        this.#callers.delete(caller);
        caller.settle('rung');
      }
      this.#pollMs = changed ? SHORTEST_POLL_MS : Math.min(this.#pollMs * 2, LONGEST_POLL_MS);
      this.#poll();
    }, this.#pollMs);
  }
}
