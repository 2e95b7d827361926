/**
 * Dependence: which steps do not commute, and the order that this puts on the events of a schedule.
 *
 * Two steps of different processes depend on each other when they are at one word and one of them
 * writes, or when one ends an announced operation and the other begins one: which of the two came first
 * is what linearizability is about. Schedules with the same order of dependent events are equivalent.
 *
 * Each event has a clock: for each process, one more than the depth of its latest event that comes
 * before this one in that order, or is this one.
 */
import { DIE, GO, processOf, wayOf } from '../machine/actors.js';
import { WAKE, hasWord, indexOf, kindOf, writes } from '../machine/operations.js';
import type { State } from '../machine/state.js';
import { BARRIER, INVOKES, NONE, READS, RESPONDS, WRITES } from '../machine/trace.js';
import { grown } from '../machine/undo-log.js';

export class Dependence {
  readonly #state: State;
  readonly #size: number;
  #clocks = new Int32Array(1024);
  /** The latest events that the newest one depends on, one a process, or {@link NONE}. */
  readonly #latest: Int32Array;

  constructor(state: State) {
    this.#state = state;
    this.#size = state.processes;
    this.#latest = new Int32Array(state.processes);
  }

  /** True when the event `earlier` of `process` comes before the event `later`, or is it. */
  precedes(earlier: number, process: number, later: number): boolean {
    return later !== NONE && this.#clocks[later * this.#size + process]! > earlier;
  }

  /**
   * Works out what the event `d`, the newest, depends on, and its clock.
   *
   * @returns the mask of processes whose event {@link racing} gives is in a race with `d`: they depend
   * on each other, with nothing in between
   */
  add(d: number): number {
    const { trace } = this.#state;
    const process = processOf(trace.actor[d]!);
    const previous = trace.previousOf[d]!;
    const latest = this.#latest;
    latest.fill(NONE);
    this.#begin(d, process, previous);
    if ((trace.flags[d]! & BARRIER) !== 0) {
      for (let p = 0; p < this.#size; p++) this.#joinLast(d, p);
      return 0;
    }
    this.#findAtWord(d);
    if ((trace.flags[d]! & (INVOKES | RESPONDS)) !== 0) this.#findOperations(d, process);
    if (trace.enabler[d] !== NONE) this.#note(trace.enabler[d]!);

    let racing = 0;
    for (let p = 0; p < this.#size; p++) {
      const e = latest[p]!;
      if (e === NONE || p === process || this.precedes(e, p, previous)) continue;
      if (!this.#isFollowed(e, p, process)) racing |= 1 << p;
    }
    for (let p = 0; p < this.#size; p++) {
      if (latest[p] !== NONE) this.#join(d, latest[p]!);
    }
    return racing;
  }

  /** The event of `process` that the newest event depends on. */
  racing(process: number): number {
    return this.#latest[process]!;
  }

  /**
   * Whether the step that `actor` is about to make depends on the event `d`, which has just been
   * performed in the state where `actor` could have made it.
   *
   * @param flags INVOKES and RESPONDS as they were when the step was performed from here
   */
  conflicts(actor: number, flags: number, d: number): boolean {
    const { trace, settings } = this.#state;
    const process = processOf(actor);
    if (process === processOf(trace.actor[d]!)) return true;
    const other = trace.flags[d]!;
    if ((flags & INVOKES) !== 0 && (other & RESPONDS) !== 0) return true;
    if ((flags & RESPONDS) !== 0 && (other & INVOKES) !== 0) return true;
    const way = wayOf(actor);
    if (way === DIE && settings.sweeps === 'atOnce') return true;
    const mask = other & (READS | WRITES);
    if (mask === 0) return false;
    const slot = this.#state.slots[process]!;
    const record = this.#state.records[process]!.words;
    const head = record[slot]!;
    const kind = kindOf(head);
    if (!hasWord(kind) || indexOf(head) !== indexOf(trace.head[d]!)) return false;
    const asleep = kind === WAKE && (trace.waiting[d]! & (1 << process)) !== 0;
    if (way !== GO) return asleep;
    // Going on after a notify touches nothing.
    if (kind === WAKE) return false;
    return mask === WRITES || writes(kind, trace.before[d]!, record[slot + 1]!);
  }

  #findAtWord(d: number): void {
    const { trace } = this.#state;
    const mine = trace.flags[d]! & (READS | WRITES);
    if (mine === 0) return;
    for (let e = trace.previousAt[d]!; e !== NONE; e = trace.previousAt[e]!) {
      const isWrite = (trace.flags[e]! & WRITES) !== 0;
      if (isWrite || mine === WRITES) this.#note(e);
      // All that came before a write at the same word comes before it in this order too.
      if (isWrite) return;
    }
  }

  #findOperations(d: number, process: number): void {
    const { trace, lastOf } = this.#state;
    const flags = trace.flags[d]!;
    const opposite =
      ((flags & INVOKES) !== 0 ? RESPONDS : 0) | ((flags & RESPONDS) !== 0 ? INVOKES : 0);
    for (let p = 0; p < this.#size; p++) {
      if (p === process || !this.#exists(p)) continue;
      let e = lastOf[p]!;
      while (e !== NONE && (trace.flags[e]! & opposite) === 0) e = trace.previousOf[e]!;
      if (e !== NONE) this.#note(e);
    }
  }

  #note(e: number): void {
    const process = processOf(this.#state.trace.actor[e]!);
    if (this.#latest[process]! < e) this.#latest[process] = e;
  }

  /** Whether another of the noted events comes after `e` of process `p`. */
  #isFollowed(e: number, p: number, process: number): boolean {
    for (let k = 0; k < this.#size; k++) {
      const other = this.#latest[k]!;
      if (k !== p && k !== process && other > e && this.precedes(e, p, other)) return true;
    }
    return false;
  }

  #exists(process: number): boolean {
    const { threads, killed } = this.#state;
    return process < threads || (killed & (1 << (process - threads))) !== 0;
  }

  #begin(d: number, process: number, previous: number): void {
    const size = this.#size;
    while ((d + 1) * size > this.#clocks.length) this.#clocks = grown(this.#clocks);
    const at = d * size;
    if (previous === NONE) this.#clocks.fill(0, at, at + size);
    else this.#clocks.copyWithin(at, previous * size, (previous + 1) * size);
    this.#clocks[at + process] = d + 1;
  }

  #joinLast(d: number, process: number): void {
    const last = this.#state.lastOf[process]!;
    if (last !== NONE && last !== d && this.#exists(process)) this.#join(d, last);
  }

  #join(d: number, other: number): void {
    const clocks = this.#clocks;
    const size = this.#size;
    const at = d * size;
    const from = other * size;
    for (let k = 0; k < size; k++) {
      if (clocks[from + k]! > clocks[at + k]!) clocks[at + k] = clocks[from + k]!;
    }
  }
}
