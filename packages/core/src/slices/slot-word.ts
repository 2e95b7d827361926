/**
 * The control word of a slot: the one truth about it, changed by compare-and-exchange only.
 *
 *   31                        10 9         3 2     0
 *   |        generation         |   holder  | state |
 *
 *   FREE      nobody's; its bit in the slab's bitmap is clear, or is about to be
 *   CACHED    in the holder's magazine
 *   LIVE      leased to the holder
 *   RETURNING being checked or cleaned by the holder on its way back
 *   SHARED    held by all who have a seat; no holder
 *   CLOSING   the holder looks whether the last has left
 *   CORRUPTED found damaged; never lent again
 *
 * The generation changes when a lease ends, so that whoever still holds the old word loses the
 * exchange: a stale handle, a double release and a late release look alike, and do no damage.
 */
import type { ThreadId } from '../threads/registry.js';

export const FREE = 0;
export const CACHED = 1;
export const LIVE = 2;
export const RETURNING = 3;
export const SHARED = 4;
export const CLOSING = 5;
export const CORRUPTED = 6;

export type SlotState =
  | typeof FREE
  | typeof CACHED
  | typeof LIVE
  | typeof RETURNING
  | typeof SHARED
  | typeof CLOSING
  | typeof CORRUPTED;

const HOLDER_SHIFT = 3;
const HOLDER_MASK = 0x7f;
const GENERATION_SHIFT = 10;
/** One generation, in place. */
const GENERATION_ONE = 1 << GENERATION_SHIFT;
const STATE_MASK = 7;
/** Everything but state and holder. */
export const GENERATION_BITS = ~(GENERATION_ONE - 1);

export function pack(state: SlotState, holder: ThreadId | 0, generation: number): number {
  return (generation << GENERATION_SHIFT) | (holder << HOLDER_SHIFT) | state;
}

export function stateOf(word: number): SlotState {
  return (word & STATE_MASK) as SlotState;
}

export function holderOf(word: number): number {
  return (word >>> HOLDER_SHIFT) & HOLDER_MASK;
}

/** The generation, 0 … 2^22 − 1. */
export function generationOf(word: number): number {
  return word >>> GENERATION_SHIFT;
}

/** The same lease and generation, in another state and with another holder. */
export function withState(word: number, state: SlotState, holder: ThreadId | 0): number {
  return (word & GENERATION_BITS) | (holder << HOLDER_SHIFT) | state;
}

/** Whether the slot is in state `state` and held by `holder`. */
export function isHeld(word: number, state: SlotState, holder: ThreadId | 0): boolean {
  return (word & ~GENERATION_BITS) === ((holder << HOLDER_SHIFT) | state);
}

/** Whether the slot is in no use: whoever needs it may claim it by its word. */
export function isSpare(word: number): boolean {
  const state = stateOf(word);
  return state === FREE || state === CACHED;
}

/**
 * The control word at `at`, as whoever waits for memory looks at it. One that is in use is read by an
 * exchange which changes nothing. The exchange that ends the lease comes before that, and is seen; or after,
 * and sees whatever this thread did before. So a release may look plainly whether somebody waits.
 */
export function lookAt(words: Int32Array, at: number): number {
  const word = Atomics.load(words, at);
  return isSpare(word) ? word : Atomics.or(words, at, 0);
}

/** Whether both words stand for the same lease. */
export function sameLease(one: number, other: number): boolean {
  return ((one ^ other) & GENERATION_BITS) === 0;
}

/** The word after the lease that `word` stands for has ended: the next generation. */
export function ended(word: number, state: SlotState, holder: ThreadId | 0): number {
  return ((word & GENERATION_BITS) + GENERATION_ONE) | (holder << HOLDER_SHIFT) | state;
}
