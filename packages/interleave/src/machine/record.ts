/**
 * The record of one process: what it did, access by access, and what it was told.
 *
 *   slot s   word s      head: operation and word index
 *            word s + 1  first operand
 *            word s + 2  second operand
 *            word s + 3  result; not yet meaningful in the slot of a pending operation
 *
 * A process is run again from its start by answering its accesses from here. Plain accesses are in it
 * too: memory may have moved on since.
 */
import {
  ADD,
  AND,
  COMPARE_EXCHANGE,
  ENQUEUED,
  EXCHANGE,
  LOAD,
  NOTIFY,
  OR,
  READ,
  SUB,
  WAIT,
  XOR,
  indexOf,
  kindOf,
} from './operations.js';
import { grown } from './undo-log.js';

export const SLOT = 4;
/** The longest loop, in accesses, that is recognized as spinning. */
const LONGEST_CYCLE = 16;

export class Record {
  words: Int32Array = new Int32Array(256 * SLOT);

  put(slot: number, head: number, a: number, b: number): void {
    if (slot === this.words.length) this.words = grown(this.words);
    this.words[slot] = head;
    this.words[slot + 1] = a;
    this.words[slot + 2] = b;
  }

  /** True when the access in `slot` is the given one. */
  matches(slot: number, head: number, a: number, b: number): boolean {
    const { words } = this;
    return words[slot] === head && words[slot + 1] === a && words[slot + 2] === b;
  }

  /**
   * The length of the loop, in accesses, that the process has gone around `rounds` times without seeing
   * or making any change, and which the pending access in `slot` would begin once more; 0 when there is none.
   */
  cycleAt(slot: number, rounds: number): number {
    const { words } = this;
    for (let cycle = 1; cycle <= LONGEST_CYCLE; cycle++) {
      const period = cycle * SLOT;
      const start = slot - period * rounds;
      if (start < 0) return 0;
      // Most of the time the first comparison tells that this is no such loop.
      if (words[slot - period] !== words[slot]) continue;
      if (words[slot - period + 1] !== words[slot + 1]) continue;
      if (words[slot - period + 2] !== words[slot + 2]) continue;
      if (this.#repeats(start, slot, period)) return cycle;
    }
    return 0;
  }

  /** Whether the last `cycle` accesses before `slot` include one of the word `index`. */
  touches(slot: number, cycle: number, index: number): boolean {
    for (let at = slot - cycle * SLOT; at < slot; at += SLOT) {
      if (indexOf(this.words[at]!) === index) return true;
    }
    return false;
  }

  #repeats(start: number, end: number, period: number): boolean {
    const { words } = this;
    for (let at = end - 1; at >= start + period; at--) {
      if (words[at] !== words[at - period]) return false;
    }
    for (let at = end - period; at < end; at += SLOT) {
      if (!isFruitless(kindOf(words[at]!), words[at + 1]!, words[at + 2]!, words[at + 3]!)) {
        return false;
      }
    }
    return true;
  }
}

/** True when the operation left memory as it was, as far as operands and result tell. */
function isFruitless(kind: number, a: number, b: number, result: number): boolean {
  switch (kind) {
    case LOAD:
    case READ:
      return true;
    case ADD:
    case SUB:
    case XOR:
      return a === 0;
    case AND:
      return (result & a) === result;
    case OR:
      return (result | a) === result;
    case EXCHANGE:
      return result === a;
    case COMPARE_EXCHANGE:
      return result !== a || a === b;
    case WAIT:
      return result !== ENQUEUED;
    case NOTIFY:
      return result === 0;
    default:
      return false;
  }
}
