/**
 * The words of a broadcast ring and where they lie. Nothing but offsets stands here.
 *
 *   line 0   INTENT   messages that are written or being written   │ written by the writer
 *            TAIL     messages that are written                    │
 *            FIRST    the position of the first message ever       │
 *   line 1   BELL     where readers sleep                          │ written seldom
 *   then     the cells: LENGTH, up to `messageWords` words of message
 *
 * INTENT, TAIL and FIRST are positions of two words each. The message at position p lies in cell p
 * modulo the number of cells. Zeroed words are a ring that nothing was written to.
 */
import { LINE } from '../memory/layout.js';
import { POSITION_WORDS } from './position.js';

export const INTENT = 0;
export const TAIL = INTENT + POSITION_WORDS;
export const FIRST = TAIL + POSITION_WORDS;
export const BELL = LINE;
export const CELLS = 2 * LINE;

/** Words of a cell. */
export const LENGTH = 0;
export const MESSAGE = 1;

export const FEWEST_CELLS = 2;
export const MOST_CELLS = 2 ** 24;

/** How large a broadcast ring is. */
export interface BroadcastRingShape {
  /** How many of the latest messages it holds: a power of two from 2 to 2^24. */
  readonly cells: number;
  /** Words of the longest message, 1 to 2^16. */
  readonly messageWords: number;
}

/** Where the cell of `position` begins, from the ring's beginning on. */
export function cellOf({ cells, messageWords }: BroadcastRingShape, position: number): number {
  return CELLS + (position & (cells - 1)) * (MESSAGE + messageWords);
}
