/**
 * Who waits where when nobody can go on, and which notify came too early.
 */
import { NOTIFY, indexOf, kindOf } from '../machine/operations.js';
import type { State } from '../machine/state.js';
import { WRITES } from '../machine/trace.js';

export function deadlock(state: State, wordOf: ((index: number) => string) | undefined): string {
  const waits: string[] = [];
  for (let p = 0; p < state.processes; p++) {
    if ((state.live & (1 << p)) === 0) continue;
    const index = state.pendingIndex(p);
    const word = wordOf?.(index) ?? `word ${index}`;
    const wasted = wastedNotify(state, index, state.lastOf[p]!);
    waits.push(`${state.nameOf(p)} waits on ${word} since step ${state.lastOf[p]}${wasted}`);
  }
  return `Nobody can go on: ${waits.join('; ')}`;
}

/** A notify of the word, before the wait began, that found nobody asleep: perhaps the wake-up that was lost. */
function wastedNotify({ trace }: State, index: number, before: number): string {
  for (let d = before - 1; d >= 0; d--) {
    const head = trace.head[d]!;
    if (kindOf(head) !== NOTIFY || indexOf(head) !== index) continue;
    return (trace.flags[d]! & WRITES) === 0
      ? ` (the notify in step ${d} found nobody asleep there)`
      : '';
  }
  return '';
}
