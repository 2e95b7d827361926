/**
 * The state word of a slab: what it serves, changed by compare-and-exchange only.
 *
 *   31            15 14       8 7     3 2     0
 *   |    version    |  holder  | pool  | state |
 *
 *   EMPTY     serves nothing; any thread may open it for any pool
 *   OPEN      serves its pool
 *   DRAINING  its slots are lent no more; it becomes EMPTY when the last is back
 *   RETIRING  the holder looks whether all its slots are free
 *   CLAIMED   the holder makes it part of a run
 *   RUN       the first slab of a run: a slice above the largest class; its slot 0 is the slice
 *   RUN_TAIL  any other slab of a run
 *
 * The version changes whenever the slab is opened, so that whoever still goes by the old word notices.
 */
import type { ThreadId } from '../threads/registry.js';

export const EMPTY = 0;
export const OPEN = 1;
export const DRAINING = 2;
export const RETIRING = 3;
export const CLAIMED = 4;
export const RUN = 5;
export const RUN_TAIL = 6;

export type SlabState =
  | typeof EMPTY
  | typeof OPEN
  | typeof DRAINING
  | typeof RETIRING
  | typeof CLAIMED
  | typeof RUN
  | typeof RUN_TAIL;

/** The pool of a slab that serves none. */
export const NO_POOL = 31;

const POOL_SHIFT = 3;
const POOL_MASK = 31;
const HOLDER_SHIFT = 8;
const HOLDER_MASK = 0x7f;
const VERSION_ONE = 1 << 15;
const VERSION_BITS = ~(VERSION_ONE - 1);

export function slabStateOf(word: number): SlabState {
  return (word & 7) as SlabState;
}

/** The pool, or {@link NO_POOL}; of no meaning while the slab is EMPTY. */
export function slabPoolOf(word: number): number {
  return (word >>> POOL_SHIFT) & POOL_MASK;
}

export function slabHolderOf(word: number): number {
  return (word >>> HOLDER_SHIFT) & HOLDER_MASK;
}

/** The same slab and version, in another state. */
export function slabWord(
  before: number,
  state: SlabState,
  pool: number,
  holder: ThreadId | 0 = 0,
): number {
  return (before & VERSION_BITS) | (holder << HOLDER_SHIFT) | (pool << POOL_SHIFT) | state;
}

/** The word after the slab was given another use: the next version. */
export function reopened(
  before: number,
  state: SlabState,
  pool: number,
  holder: ThreadId | 0 = 0,
): number {
  return slabWord((before & VERSION_BITS) + VERSION_ONE, state, pool, holder);
}

/** Whether the slab's slots are lent from `pool` now. */
export function serves(word: number, pool: number): boolean {
  return (word & 0xff) === ((pool << POOL_SHIFT) | OPEN);
}
