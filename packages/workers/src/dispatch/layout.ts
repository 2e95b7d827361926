/**
 * The dispatch block: where each word lies that submitters and workers exchange.
 *
 * Nothing but offsets and flags stands here. Offsets are in 32-bit words; LINE keeps words apart that
 * different threads write.
 *
 *   line 0   SLEEPERS    4 words: a bit for each worker that is parked
 *            LATEST      the worker that parked last after work, as a hint
 *            DOZERS      4 words: a bit for each worker that sleeps on its event loop, where something goes on
 *   line 1   SPINNERS    4 words: a bit for each worker that is looking for work
 *   line 2   OCCUPIED    4 words: a bit for each worker that is at a chunk of a large operation
 *   line 3   WORKERS     4 words: a bit for each worker that is not dead; LANES, the same for lanes in use
 *            SPAN        words of these bitmaps that are in use
 *            CLOSING     1 once workers should leave
 *            EXPRESS     the worker that runs small tasks while all others are occupied; 0 for none
 *            PRESSURE    how short memory is: 0 not, 1 elevated, 2 critical; written by the mill's thread
 *            VACANT      1 while there could be more workers, and the mill's thread wants to be told of tasks
 *            EXPRESS_DUE 1 once the mill's thread has been told that an express worker is needed
 *   workers  a line each: PARK, which it waits on; CALLS, which counts what it is called for; MAIL, which
 *            counts the messages posted to it; STAGE, from its admission to its leave; HEAP, the KiB of
 *            its heap when it last looked
 *   cap      the semaphore of large operations
 *   lanes    one a submitter: the mill's own, which has more cells, then one for each thread id
 *
 * A lane is written by its owner, who submits, and by the workers:
 *
 *   line 0   TAILS       one a ring: tasks published so far; written by the owner
 *            USED        a bit for each ring in which there ever was a task: the others need no look
 *   line 1   REST        1 while the owner rests and wants a signal
 *   line 2   SIGNAL      counts the signals to the owner; it waits on this word
 *   line 3   ORPHANS     counts the deaths of workers that left tasks of this lane behind
 *   line 0   CONFIGS     configurations that its owners, one after the other, have made so far; no owner reuses a number
 *   heads    a line each ring: tasks claimed so far, perhaps fewer; moved on by workers
 *   rings    cell numbers in the order of publication, twice as many as there are cells
 *   done     for each worker: a line with DONE_TAIL; then cell numbers, as many as there are cells
 *   cells    one line a task
 *
 * A task's cell, as it is published and as it is finished:
 *
 *   0  STATE     generation << 10 | worker << 3 | state
 *   1  CONFIG    which op with which params
 *   2  FLAGS     see below
 *   3  INPUT     slot of the input                       RESULT  which kind of result, see below
 *   4  OFFSET    where the input begins in its slot      SIZE    bytes of result
 *   5  LEAD      bytes of the previous chunk in front    REF     slot that the worker hands over
 *   6  LENGTH    bytes of input, the lead not counted    LEASE   its word
 *   7  OUTPUT    slot of the output
 *   8  ROOM      bytes of room in the output
 *   9  FILE      descriptor to read the input from
 *   10 POSITION  two words, a float64: where in the file VALUE   a float64: a number that comes with the result
 *   12 TARGET    descriptor to write the output to
 *   13 CANCEL    1 once nobody wants the result
 *   14 STARTED   when a worker began it, in ms of Date.now() modulo 2^32, for tasks with TIMED; 0 before that
 *   15 AVOID     a worker that is not to run it, or 0
 *   16 RECORD    slot that says what CONFIG is,          BYTES   up to 64 bytes of result
 *   17 EXTENT    and its bytes; not in the mill's lane
 */
import { LINE, MAX_THREADS, semaphoreWords } from '@millrace/core/internal';

export const SLEEPERS = 0;
export const LATEST = 4;
export const DOZERS = 8;
export const SPINNERS = LINE;
export const OCCUPIED = 2 * LINE;
export const WORKERS = 3 * LINE;
export const LANES = WORKERS + 4;
export const SPAN = WORKERS + 8;
export const CLOSING = WORKERS + 9;
export const EXPRESS = WORKERS + 10;
export const PRESSURE = WORKERS + 11;
export const VACANT = WORKERS + 12;
export const EXPRESS_DUE = WORKERS + 13;

const WORKERS_AT = 4 * LINE;
/** The semaphore that caps large operations. */
export const CAP_AT = WORKERS_AT + MAX_THREADS * LINE;
const LANES_AT = CAP_AT + Math.ceil(semaphoreWords() / LINE) * LINE;

export function parkAt(worker: number): number {
  return WORKERS_AT + worker * LINE;
}

export function callsAt(worker: number): number {
  return WORKERS_AT + worker * LINE + 1;
}

export function mailAt(worker: number): number {
  return WORKERS_AT + worker * LINE + 2;
}

export function stageAt(worker: number): number {
  return WORKERS_AT + worker * LINE + 3;
}

export function heapAt(worker: number): number {
  return WORKERS_AT + worker * LINE + 4;
}

/** Rings of a lane: tasks by priority, those that are tried again, and chunks of large operations by priority. */
export const RINGS = 9;
export const RETRY_RING = 4;
export const FIRST_BULK_RING = 5;

/** Behind the tails, in their line. */
export const USED = 16;

/** Where the parts of one lane lie. */
export interface LaneLayout {
  /** How many tasks it has room for; a power of two. */
  readonly cells: number;
  readonly at: number;
  readonly headsAt: number;
  readonly ringsAt: number;
  readonly doneAt: number;
  readonly cellsAt: number;
  readonly end: number;
}

export const REST = LINE;
export const SIGNAL = 2 * LINE;
export const CONFIGS = 9;
export const ORPHANS = 3 * LINE;

/** @param workers how many ids of workers there are, 0 included */
export function laneLayout(at: number, cells: number, workers: number = MAX_THREADS): LaneLayout {
  const headsAt = at + 4 * LINE;
  const ringsAt = headsAt + RINGS * LINE;
  const doneAt = ringsAt + RINGS * 2 * cells;
  const cellsAt = doneAt + workers * (LINE + cells);
  return { cells, at, headsAt, ringsAt, doneAt, cellsAt, end: cellsAt + cells * LINE };
}

/** The lane of the thread that made the mill. */
export const MILL_LANE = 0;
const MILL_CELLS = 4096;
const THREAD_CELLS = 256;
const MILL_LAYOUT = laneLayout(LANES_AT, MILL_CELLS);
const THREAD_LANE_WORDS = laneLayout(0, THREAD_CELLS).end;

/** The lane `lane`: the mill's, or that of the thread with this id. */
export function laneOf(lane: number): LaneLayout {
  return lane === MILL_LANE
    ? MILL_LAYOUT
    : laneLayout(MILL_LAYOUT.end + (lane - 1) * THREAD_LANE_WORDS, THREAD_CELLS);
}

/** In which lane the cell at `at` lies. */
export function laneAt(at: number): number {
  return at < MILL_LAYOUT.end
    ? MILL_LANE
    : 1 + Math.floor((at - MILL_LAYOUT.end) / THREAD_LANE_WORDS);
}

export const DISPATCH_WORDS = laneOf(MAX_THREADS - 1).end;

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
export const TARGET = 12;
export const CANCEL = 13;
export const STARTED = 14;
export const AVOID = 15;

export const RESULT = 3;
export const SIZE = 4;
export const REF = 5;
export const LEASE = 6;
export const VALUE = 10;
export const BYTES = 16;
export const RECORD = 16;
export const EXTENT = 17;

/** Bytes of result that fit in the cell. */
export const INLINE_BYTES = (LINE - BYTES) * 4;

/** FLAGS: the chunk is the last of its object. */
export const LAST = 1;
/** FLAGS: the worker reads the input from FILE at POSITION. */
export const FROM_FILE = 2;
/** FLAGS: the worker writes the output to TARGET at POSITION. */
export const TO_FILE = 32;
/** FLAGS: FILE is open for direct reads: the worker reads whole pages, and the slot has room for them. */
export const DIRECT = 64;
/** FLAGS: the worker writes down in STARTED when it begins. */
export const TIMED = 4;
/** FLAGS: it is part of an operation that holds a permit for large ones. */
export const LARGE = 8;
/** FLAGS: it is a chunk of a large operation, as the ring says where it was published. */
export const BULK = 16;

/** FLAGS: in which ring the task stands, in the upper bits. */
const RING_SHIFT = 28;

export function withRing(flags: number, ring: number): number {
  return (flags & ~(15 << RING_SHIFT)) | (ring << RING_SHIFT);
}

export function ringIn(flags: number): number {
  return flags >>> RING_SHIFT;
}

/** STAGE of a worker: it has been let in, and has not begun. */
export const ADMITTED = 0;
/** STAGE: it drains tasks. */
export const AT_WORK = 1;
/** STAGE: it is to finish what it has begun, and go. */
export const TO_LEAVE = 2;
/** STAGE: it holds nothing any more, and is about to exit. */
export const HAS_LEFT = 3;

/** STATE of a cell. */
export const FREE = 0;
export const READY = 1;
export const RUNNING = 2;
export const DONE = 3;
/** Its worker died over it. */
export const ORPHANED = 4;
/** Its worker has died since it was done, and may not have entered it in its list. */
export const LEFT = 5;

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
/** RESULT: a letter holds it, of SIZE bytes in the slot REF, which is handed over by LEASE. */
export const BY_LETTER = 5;
/** RESULT: a letter holds the error. */
export const FAILED = 6;
/** RESULT: the file ended before LENGTH bytes were read; SIZE says after how many. */
export const FILE_ENDED = 7;
