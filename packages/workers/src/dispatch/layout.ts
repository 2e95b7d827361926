/**
 * The dispatch block: where each word lies that coordinator and workers exchange.
 *
 * Nothing but offsets and flags stands here. Offsets are in 32-bit words; LINE keeps words apart that
 * different threads write.
 *
 *   line 0   RING_TAIL   tasks published so far; written by the coordinator
 *   line 1   RING_HEAD   tasks claimed so far, perhaps fewer; moved on by workers
 *   line 2   SLEEPERS    4 words: a bit for each worker that is parked
 *   line 3   SPINNERS    4 words: a bit for each worker that is looking for work
 *   line 4   REST        1 while the coordinator rests and wants a signal
 *   line 5   SIGNAL      counts the signals to the coordinator; it waits on this word
 *   line 6   CLOSING     1 once workers should leave
 *            SPAN        words of the two bitmaps that are in use
 *   ring     cell numbers in the order of publication, RING_SLOTS of them
 *   workers  for each: line 0 PARK, which it waits on; line 1 DONE_TAIL; then DONE_SLOTS cell numbers
 *   cells    one line a task
 *
 * A task's cell:
 *
 *   0  STATE     generation << 10 | worker << 3 | state
 *   1  CONFIG    which op with which params
 *   2  FLAGS     see below
 *   3  INPUT     slot of the input
 *   4  OFFSET    where the input begins in its slot
 *   5  LEAD      bytes of the previous chunk in front of the input, for ops with an overlap
 *   6  LENGTH    bytes of input, the lead not counted
 *   7  OUTPUT    slot of the output
 *   8  ROOM      bytes of room in the output
 *   9  FILE      descriptor to read the input from
 *   10 POSITION  two words, a float64: where in the file the input begins
 *   12 RESULT    which kind of result, see below
 *   13 SIZE      bytes of result
 *   14 VALUE     two words, a float64: a number that comes with the result
 *   16 BYTES     up to 64 bytes of result in the cell itself
 */
import { LINE, MAX_THREADS } from '@millrace/core/internal';

export const RING_TAIL = 0;
export const RING_HEAD = LINE;
export const SLEEPERS = 2 * LINE;
export const SPINNERS = 3 * LINE;
export const REST = 4 * LINE;
export const SIGNAL = 5 * LINE;
export const CLOSING = 6 * LINE;
export const SPAN = CLOSING + 1;
const RING = 7 * LINE;

/** Tasks that can be in the hands of workers, or waiting for them, at one time. */
export const CELLS = 4096;
/** Twice the cells: entries that were claimed out of order stay until the head has passed them. */
const RING_SLOTS = 2 * CELLS;
const DONE_SLOTS = CELLS;
const WORKERS = RING + RING_SLOTS;
const WORKER_WORDS = 2 * LINE + DONE_SLOTS;
const CELLS_AT = WORKERS + MAX_THREADS * WORKER_WORDS;

export const DISPATCH_WORDS = CELLS_AT + CELLS * LINE;

/** Distances between two positions stay meaningful when the 32-bit counters wrap. */
export function ringAt(position: number): number {
  return RING + (position & (RING_SLOTS - 1));
}

export const RING_CAPACITY = RING_SLOTS;

export function parkAt(worker: number): number {
  return WORKERS + worker * WORKER_WORDS;
}

export function doneTailAt(worker: number): number {
  return WORKERS + worker * WORKER_WORDS + LINE;
}

export function doneAt(worker: number, position: number): number {
  return WORKERS + worker * WORKER_WORDS + 2 * LINE + (position & (DONE_SLOTS - 1));
}

export function cellAt(cell: number): number {
  return CELLS_AT + cell * LINE;
}

export const STATE = 0;
export const CONFIG = 1;
export const FLAGS = 2;
export const INPUT = 3;
export const OFFSET = 4;
export const LEAD = 5;
export const LENGTH = 6;
export const OUTPUT = 7;
export const ROOM = 8;
export const FILE = 9;
export const POSITION = 10;
export const RESULT = 12;
export const SIZE = 13;
export const VALUE = 14;
export const BYTES = 16;

/** Bytes of result that fit in the cell. */
export const INLINE_BYTES = (LINE - BYTES) * 4;

/** FLAGS: the chunk is the last of its object. */
export const LAST = 1;
/** FLAGS: the worker reads the input from FILE at POSITION. */
export const FROM_FILE = 2;

/** STATE of a cell. */
export const FREE = 0;
export const READY = 1;
export const RUNNING = 2;
export const DONE = 3;

const STATE_MASK = 7;
const WORKER_SHIFT = 3;
const WORKER_MASK = 0x7f;
const GENERATION_ONE = 1 << 10;
const GENERATION_BITS = ~(GENERATION_ONE - 1);

export function stateOf(word: number): number {
  return word & STATE_MASK;
}

export function workerOf(word: number): number {
  return (word >>> WORKER_SHIFT) & WORKER_MASK;
}

export function withState(word: number, state: number, worker: number): number {
  return (word & GENERATION_BITS) | (worker << WORKER_SHIFT) | state;
}

export function nextGeneration(word: number, state: number): number {
  return ((word & GENERATION_BITS) + GENERATION_ONE) | state;
}

/** RESULT: the input's bytes were changed in place. */
export const IN_PLACE = 0;
/** RESULT: SIZE bytes stand in the output slot. */
export const IN_OUTPUT = 1;
/** RESULT: VALUE is the result. */
export const NUMBER = 2;
/** RESULT: `undefined`. */
export const NOTHING = 3;
/** RESULT: SIZE bytes stand in the cell. */
export const IN_CELL = 4;
/** RESULT: a message on the worker's control port holds it. */
export const BY_MESSAGE = 5;
/** RESULT: a message on the worker's control port holds the error. */
export const FAILED = 6;
/** RESULT: the file ended before LENGTH bytes were read; SIZE says after how many. */
export const FILE_ENDED = 7;
