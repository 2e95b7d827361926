/**
 * The words of a message ring and where they lie. Nothing but offsets and bit fields stands here.
 *
 *   line 0   TAIL           where the next messages go           │ written by producers
 *   line 1   HEAD           where the next messages are taken    │ written by consumers
 *   line 2   MESSAGES_BELL  where consumers sleep                │ written seldom
 *            ROOM_BELL      where producers sleep
 *            VOIDED         messages lost as their producer died
 *            ORPHANED       messages claimed by consumers that died
 *   then     the cells: STATE, LENGTH, up to `messageWords` words of message
 *
 * TAIL and HEAD count messages modulo 2^32. The message at position p lies in cell p modulo the
 * number of cells, and p's lap is p divided by that number. Cells pass from hand to hand in runs, and
 * the STATE of the first cell of a run speaks for all of it:
 *
 *   31                          2+r        2 1 0
 *   |            lap             | run − 1 | 0 |   FREE       for messages, the first of that lap
 *   |            lap             | run − 1 | 2 |   PUBLISHED  messages
 *   | lap (3) | rest |   count   |  owner  | 1 |   CLAIMED    `count` cells, to write to
 *   | lap (3) | rest |   count   |  owner  | 3 |   READING    `count` cells, to read from
 *             29     19          9         2
 *
 * r is the number of bits that a cell's number takes, 10 at most: lap, run and cell together make 2^30
 * positions, or more, before a word comes again. `rest` is how many cells of the last run that was
 * taken are left over, and are to be a run of their own. The other cells of a run hold what they held
 * when they were last the first of one.
 *
 * Zeroed words are an empty ring: every cell is FREE for lap 0, in a run of one.
 */
import { LINE } from '../memory/layout.js';

export const TAIL = 0;
export const HEAD = LINE;
export const MESSAGES_BELL = 2 * LINE;
export const ROOM_BELL = 2 * LINE + 1;
export const VOIDED = 2 * LINE + 2;
export const ORPHANED = 2 * LINE + 3;
export const CELLS = 3 * LINE;

/** Words of a cell. */
export const STATE = 0;
export const LENGTH = 1;
export const MESSAGE = 2;
/** In LENGTH: there is no message here, as its producer died. */
export const VOID = -1;

export const FREE = 0;
export const CLAIMED = 1;
export const PUBLISHED = 2;
export const READING = 3;

export type IdleKind = typeof FREE | typeof PUBLISHED;
export type ClaimKind = typeof CLAIMED | typeof READING;

export const FEWEST_CELLS = 2;
export const MOST_CELLS = 2 ** 20;
/** Messages of one claim: the ten bits of its count. */
export const MOST_AT_ONCE = 1023;

/** How large a message ring is. */
export interface MessageRingShape {
  /** How many messages it holds: a power of two from 2 to 2^20. */
  readonly cells: number;
  /** Words of the longest message, 1 to 2^16. */
  readonly messageWords: number;
}

const KIND_MASK = 3;
const KIND_BITS = 2;
const MOST_RUN_BITS = 10;
const OWNER_SHIFT = 2;
const OWNER_MASK = 0x7f;
const COUNT_SHIFT = 9;
const COUNT_MASK = 0x3ff;
const REST_SHIFT = 19;
const REST_MASK = 0x3ff;
const CLAIM_LAP_SHIFT = 29;
const CLAIM_LAP_MASK = 7;

/** The bits of `run` in the idle states of a ring of so many cells, a power of two. */
export function runBitsOf(cells: number): number {
  return Math.min(MOST_RUN_BITS, 31 - Math.clz32(cells));
}

/** The state of the first of `run` cells that nobody holds. */
export function idle(kind: IdleKind, lap: number, run: number, runBits: number): number {
  return (lap << (KIND_BITS + runBits)) | ((run - 1) << KIND_BITS) | kind;
}

/** Whether `state` is idle, of this kind and lap. */
export function isIdle(state: number, kind: IdleKind, lap: number, runBits: number): boolean {
  const runMask = ((1 << runBits) - 1) << KIND_BITS;
  return (state & ~runMask) === idle(kind, lap, 1, runBits);
}

/** How many cells an idle `state` speaks for. */
export function runOf(state: number, runBits: number): number {
  return ((state >>> KIND_BITS) & ((1 << runBits) - 1)) + 1;
}

/** The state of the first of `count` cells that `owner` holds, with `rest` cells left of the last run. */
export function claim(
  kind: ClaimKind,
  lap: number,
  owner: number,
  count: number,
  rest: number,
): number {
  return (
    (lap << CLAIM_LAP_SHIFT) |
    (rest << REST_SHIFT) |
    (count << COUNT_SHIFT) |
    (owner << OWNER_SHIFT) |
    kind
  );
}

/** Whether `state` is a claim of this kind, made in this lap: three bits tell it from the lap before. */
export function isClaim(state: number, kind: ClaimKind, lap: number): boolean {
  return (state & KIND_MASK) === kind && state >>> CLAIM_LAP_SHIFT === (lap & CLAIM_LAP_MASK);
}

export function kindOf(state: number): number {
  return state & KIND_MASK;
}

export function ownerOf(state: number): number {
  return (state >>> OWNER_SHIFT) & OWNER_MASK;
}

export function countOf(state: number): number {
  return (state >>> COUNT_SHIFT) & COUNT_MASK;
}

export function restOf(state: number): number {
  return (state >>> REST_SHIFT) & REST_MASK;
}
