/**
 * The operations that threads perform, as numbers: what records and traces are made of.
 *
 * A head packs an operation with the word it acts on:
 *
 *   29   26 25                       0
 *   | kind |       word index        |
 */
export const LOAD = 0;
export const STORE = 1;
export const ADD = 2;
export const SUB = 3;
export const AND = 4;
export const OR = 5;
export const XOR = 6;
export const EXCHANGE = 7;
export const COMPARE_EXCHANGE = 8;
/** The first half of `Atomics.wait`: compares, and joins the queue of the word. */
export const WAIT = 9;
export const NOTIFY = 10;
/** The second half of `Atomics.wait`: goes on after a notify or a timeout. */
export const WAKE = 11;
/** A plain read. */
export const READ = 12;
/** A plain write. */
export const WRITE = 13;
/** A sweeper's first step. */
export const START = 14;
/** A thread's last step, when it may be killed before it: what it was about to do is nothing. */
export const END = 15;

export const NAMES: readonly string[] = [
  'load',
  'store',
  'add',
  'sub',
  'and',
  'or',
  'xor',
  'exchange',
  'compareExchange',
  'wait',
  'notify',
  'wake',
  'read',
  'write',
  'start',
  'end',
];

/** Results of {@link WAIT}. */
export const ENQUEUED = 0;
export const NOT_EQUAL = 1;
/** Results of {@link WAIT} with no time to wait, and of {@link WAKE}. */
export const TIMED_OUT = 2;
export const OK = 0;

/** Timeouts of {@link WAIT}, its third operand. */
export const FOREVER = 0;
export const FOR_A_WHILE = 1;
export const NOT_AT_ALL = 2;

const KIND_SHIFT = 26;
const INDEX_MASK = 2 ** KIND_SHIFT - 1;
/** The most words an exploration can have. */
export const MOST_WORDS = 2 ** KIND_SHIFT;

export function headOf(kind: number, index: number): number {
  return (kind << KIND_SHIFT) | index;
}

export function kindOf(head: number): number {
  return head >>> KIND_SHIFT;
}

export function indexOf(head: number): number {
  return head & INDEX_MASK;
}

/** True for plain reads and writes. */
export function isPlain(kind: number): boolean {
  return kind === READ || kind === WRITE;
}

/** True for what names a word: all but a thread's first and last step. */
export function hasWord(kind: number): boolean {
  return kind < START;
}

/**
 * True when a death right before the operation may differ from one right after it. Other threads and
 * sweepers cannot tell whether the dead thread still performed a load.
 */
export function isEffective(kind: number): boolean {
  return kind !== LOAD && kind !== READ && kind !== START;
}

/** The new value of a word that holds `value`; `result` of all these operations is the old one. */
export function applied(kind: number, value: number, a: number, b: number): number {
  switch (kind) {
    case STORE:
    case EXCHANGE:
    case WRITE:
      return a;
    case ADD:
      return (value + a) | 0;
    case SUB:
      return (value - a) | 0;
    case AND:
      return value & a;
    case OR:
      return value | a;
    case XOR:
      return value ^ a;
    case COMPARE_EXCHANGE:
      return value === a ? b : value;
    default:
      return value;
  }
}

/** True when an operation that found `value` writes, in the sense that it does not commute with a read. */
export function writes(kind: number, value: number, a: number): boolean {
  if (kind === COMPARE_EXCHANGE || kind === WAIT) return value === a;
  return kind !== LOAD && kind !== READ && kind <= WRITE && kind !== WAKE;
}
