/**
 * Data races: two accesses of one word by two threads, one of them a write, one of them plain, with
 * nothing that orders them. The order is happens-before as JavaScript defines it, kept in vector clocks.
 *
 * Every event has a clock: for each process, one more than the depth of the latest of its events that
 * happens before or is this event. A plain access carries an epoch: two more than the depth of the
 * event of its process before it. It happens before whatever has that much of its process in its clock.
 *
 * Only words with plain accesses cost anything: they get a row of epochs, the latest plain read and the
 * latest plain write of each process. The atomic accesses of a word are found through the trace.
 *
 * Sources: C. Flanagan, S. Freund, "FastTrack", PLDI 2009; ECMAScript's memory model, "happens-before".
 */
import { processOf } from './actors.js';
import { WAIT, WRITE, kindOf } from './operations.js';
import { NONE, type Trace, WRITES } from './trace.js';
import { UndoLog, grown } from './undo-log.js';

export class Races {
  readonly #processes: number;
  readonly #trace: Trace;
  /** By word: its row plus one, or 0 when it had no plain access yet. */
  readonly #rows: Int32Array;
  #rowCount = 0;
  #epochs = new Int32Array(1024);
  /** Undoes what plain accesses have left. */
  readonly log = new UndoLog(this.#epochs);
  /** The clocks of all events, one after the other. */
  clocks = new Int32Array(1024);

  constructor(words: number, processes: number, trace: Trace) {
    this.#rows = new Int32Array(words);
    this.#processes = processes;
    this.#trace = trace;
  }

  /** Begins the clock of event `depth` of `process`, after `previous`. */
  begin(depth: number, process: number, previous: number): void {
    const size = this.#processes;
    const at = depth * size;
    if (at + size > this.clocks.length) this.clocks = grown(this.clocks);
    const { clocks } = this;
    if (previous === NONE) clocks.fill(0, at, at + size);
    else {
      const from = previous * size;
      for (let k = 0; k < size; k++) clocks[at + k] = clocks[from + k]!;
    }
    clocks[at + process] = depth + 1;
  }

  /** Event `depth` happens after `other`. */
  join(depth: number, other: number): void {
    if (other === NONE) return;
    const { clocks } = this;
    const size = this.#processes;
    const at = depth * size;
    const from = other * size;
    for (let k = 0; k < size; k++) {
      if (clocks[from + k]! > clocks[at + k]!) clocks[at + k] = clocks[from + k]!;
    }
  }

  /** True when plain accesses of the word have been seen. */
  isPlain(index: number): boolean {
    return this.#rows[index] !== 0;
  }

  /**
   * Notes a plain access by `process` after its event `previous`.
   *
   * @returns the process whose earlier access races with it, or −1
   */
  plain(index: number, process: number, previous: number, write: boolean): number {
    const row = this.#rowOf(index);
    const at = row + (write ? this.#processes : 0) + process;
    const epoch = previous + 2;
    // Checked already since the last event, and nothing of another process came in between.
    if (this.#epochs[at] === epoch) return NONE;
    const racer = this.#unordered(row, process, previous, write);
    if (racer !== NONE) return racer;
    this.log.write(at, epoch);
    return this.#unorderedEvent(index, process, previous, write);
  }

  /** The process whose plain access of the word races with the atomic event `depth` of `process`, or −1. */
  atomic(index: number, process: number, depth: number, write: boolean): number {
    return this.#unordered(this.#rowOf(index), process, depth, write);
  }

  /** The oldest value of the word, which is `latest` now, that the read which is event `depth` may see. */
  oldest(index: number, depth: number, latest: number): number {
    const { head, flags, previousAt, actor, before } = this.#trace;
    let value = latest;
    for (let e = previousAt[depth]!; e !== NONE; e = previousAt[e]!) {
      if ((flags[e]! & WRITES) === 0 || !writesValue(kindOf(head[e]!))) continue;
      // What came before a write that happens before the read is hidden by it.
      if (this.clocks[depth * this.#processes + processOf(actor[e]!)]! > e) break;
      value = before[e]!;
    }
    return value;
  }

  #unordered(row: number, process: number, event: number, write: boolean): number {
    const size = this.#processes;
    const clock = event * size;
    for (let k = 0; k < size; k++) {
      if (k === process) continue;
      const known = event === NONE ? 0 : this.clocks[clock + k]!;
      if (this.#epochs[row + size + k]! > known) return k;
      if (write && this.#epochs[row + k]! > known) return k;
    }
    return NONE;
  }

  #unorderedEvent(index: number, process: number, previous: number, write: boolean): number {
    const { head, flags, previousAt, actor, lastAt } = this.#trace;
    const size = this.#processes;
    for (let e = lastAt[index]!; e !== NONE; e = previousAt[e]!) {
      const other = processOf(actor[e]!);
      if (other === process || !accesses(kindOf(head[e]!))) continue;
      // A wait reads, whatever it does to the queue.
      if (!write && ((flags[e]! & WRITES) === 0 || kindOf(head[e]!) === WAIT)) continue;
      const known = previous === NONE ? 0 : this.clocks[previous * size + other]!;
      if (known < e + 1) return other;
    }
    return NONE;
  }

  #rowOf(index: number): number {
    const size = 2 * this.#processes;
    if (this.#rows[index] === 0) {
      this.#rows[index] = ++this.#rowCount;
      if (this.#rowCount * size > this.#epochs.length) {
        this.#epochs = grown(this.#epochs);
        this.log.moveTo(this.#epochs);
      }
    }
    return (this.#rows[index]! - 1) * size;
  }
}

/** True for operations that may change the word itself. */
function writesValue(kind: number): boolean {
  return kind < WAIT || kind === WRITE;
}

/** True for atomic operations that read or write the word itself: a notify, a wake-up and a death do not. */
function accesses(kind: number): boolean {
  return kind <= WAIT;
}
