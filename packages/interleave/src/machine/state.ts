/**
 * The state of an exploration: the words, what each process is about to do, and the way there.
 *
 * Nothing of the code under test runs here: `steps.ts` performs operations, `runner.ts` runs code. Any
 * earlier state of the current schedule can be had back, which costs only the steps since.
 */
import type { Settings } from '../settings.js';
import { DIE, TIME_OUT, actorOf, processOf } from './actors.js';
import { START, indexOf, isEffective, kindOf } from './operations.js';
import { Races } from './races.js';
import { Record } from './record.js';
import { NONE, READS, Trace, WRITES } from './trace.js';
import { UndoLog } from './undo-log.js';

export class State {
  readonly settings: Settings;
  readonly words: Int32Array;
  readonly memory: UndoLog;
  readonly trace: Trace;
  readonly races: Races;
  readonly records: readonly Record[];
  /** Threads come first among the processes; a sweeper for each follows, when there is one. */
  readonly threads: number;
  readonly processes: number;

  /** How many steps the current schedule has. */
  depth = 0;
  /** Masks of processes: neither ended nor dead; asleep in `Atomics.wait`; of these, with a timeout; set aside as spinning. */
  live = 0;
  waiting = 0;
  timed = 0;
  spinning = 0;
  /** The threads that were killed, and how many more may be. */
  killed = 0;
  killsLeft: number;
  /** The process that made the last step. */
  current = NONE;
  /** Where each process's pending operation stands in its record. */
  readonly slots: Int32Array;
  /** The last event of each process. */
  readonly lastOf: Int32Array;
  /** The event that let a process go on which was blocked at its pending operation. */
  readonly enablers: Int32Array;
  /** The actors that can make the next step, as {@link look} found them. */
  actors = 0;
  /** They can go on only because nobody else can. */
  lastResort = false;
  /** How often a spinning process was set aside. */
  setAside = 0;
  /** The process whose access raced with the latest one, if any did. */
  racer = NONE;

  constructor(settings: Settings) {
    const { words, threads, sweeps } = settings;
    this.settings = settings;
    this.threads = threads;
    this.processes = sweeps === 'none' ? threads : 2 * threads;
    this.killsLeft = settings.kills;
    this.words = new Int32Array(words);
    this.memory = new UndoLog(this.words);
    this.trace = new Trace(words);
    this.races = new Races(words, this.processes, this.trace);
    this.records = Array.from({ length: this.processes }, () => new Record());
    this.slots = new Int32Array(this.processes);
    this.lastOf = new Int32Array(this.processes).fill(NONE);
    this.enablers = new Int32Array(this.processes).fill(NONE);
  }

  nameOf(process: number): string {
    const { threads } = this;
    return process < threads ? `thread ${process}` : `sweeper of thread ${process - threads}`;
  }

  /** The kind of the process's pending operation. */
  pending(process: number): number {
    return kindOf(this.records[process]!.words[this.slots[process]!]!);
  }

  /** The word that the process's pending operation is about. */
  pendingIndex(process: number): number {
    return indexOf(this.records[process]!.words[this.slots[process]!]!);
  }

  /** The process has come to its next operation, which now stands in `slot`. */
  arrive(process: number, slot: number): void {
    this.slots[process] = slot;
    this.enablers[process] = NONE;
    if (this.records[process]!.cycleAt(slot, this.settings.spins) > 0) {
      this.spinning |= 1 << process;
      this.setAside++;
    }
  }

  /** The process has come to its end. */
  end(process: number): void {
    this.live &= ~(1 << process);
  }

  /** Finds out who can make the next step. */
  look(): void {
    const { sweeps } = this.settings;
    this.lastResort = false;
    let going = this.live & ~this.waiting & ~this.spinning;
    if (sweeps === 'atOnce') {
      const sweepers = going & this.#sweepers;
      if (sweepers !== 0) {
        this.actors = sweepers;
        return;
      }
    } else if (sweeps === 'last') {
      const unstarted = this.#unstarted(going);
      if (unstarted !== 0) {
        if (going !== unstarted || this.timed !== 0) going &= ~unstarted;
        else this.lastResort = true;
      }
    }
    let actors = going | (this.timed << actorOf(TIME_OUT, 0));
    if (actors === 0 && this.spinning !== 0) {
      this.lastResort = true;
      actors = this.spinning;
    }
    if (actors !== 0 && this.killsLeft > 0) actors |= this.#mortal() << actorOf(DIE, 0);
    this.actors = actors;
  }

  get #sweepers(): number {
    return this.live & -(1 << this.threads);
  }

  #unstarted(going: number): number {
    let unstarted = 0;
    for (let p = this.threads; p < this.processes; p++) {
      if ((going & (1 << p)) !== 0 && this.pending(p) === START) unstarted |= 1 << p;
    }
    return unstarted;
  }

  /** The threads whose death at this point may make a difference. */
  #mortal(): number {
    let mortal = 0;
    for (let p = 0; p < this.threads; p++) {
      const bit = 1 << p;
      if ((this.live & bit) === 0) continue;
      if ((this.spinning & bit) !== 0 || isEffective(this.pending(p))) mortal |= bit;
    }
    return mortal;
  }

  /** Begins an event: saves the state before it, and makes `process` the one that acts. */
  begin(process: number, actor: number, head: number): number {
    const { trace } = this;
    const d = this.depth;
    trace.ensure(d);
    trace.actor[d] = actor;
    trace.head[d] = head;
    trace.slot[d] = this.slots[process]!;
    trace.flags[d] = 0;
    // A blocked process was let go on by nobody, whatever an earlier schedule has left here.
    const blocked = ((this.waiting | this.spinning) & (1 << process)) !== 0;
    trace.enabler[d] = blocked ? NONE : this.enablers[process]!;
    trace.live[d] = this.live;
    trace.waiting[d] = this.waiting;
    trace.timed[d] = this.timed;
    trace.spinning[d] = this.spinning;
    trace.killed[d] = this.killed;
    trace.killsLeft[d] = this.killsLeft;
    trace.current[d] = this.current;
    trace.memoryMark[d] = this.memory.length;
    trace.epochMark[d] = this.races.log.length;
    const previous = this.lastOf[process]!;
    trace.previousOf[d] = previous;
    this.lastOf[process] = d;
    this.races.begin(d, process, previous);
    this.depth = d + 1;
    return d;
  }

  /** The event `d` is at the word `index`. */
  place(d: number, index: number, flags: number): void {
    const { trace } = this;
    trace.flags[d] = flags;
    trace.before[d] = this.words[index]!;
    const previous = trace.lastAt[index]!;
    trace.previousAt[d] = previous;
    trace.lastAt[index] = d;
    trace.release[d] = previous === NONE ? NONE : trace.release[previous]!;
  }

  /** Goes back to the state before the event `depth`. */
  undoTo(depth: number): void {
    if (this.depth === depth) return;
    const { trace } = this;
    for (let d = this.depth - 1; d >= depth; d--) {
      const process = processOf(trace.actor[d]!);
      this.slots[process] = trace.slot[d]!;
      this.lastOf[process] = trace.previousOf[d]!;
      this.enablers[process] = trace.enabler[d]!;
      if ((trace.flags[d]! & (READS | WRITES)) !== 0) {
        trace.lastAt[indexOf(trace.head[d]!)] = trace.previousAt[d]!;
      }
    }
    this.live = trace.live[depth]!;
    this.waiting = trace.waiting[depth]!;
    this.timed = trace.timed[depth]!;
    this.spinning = trace.spinning[depth]!;
    this.killed = trace.killed[depth]!;
    this.killsLeft = trace.killsLeft[depth]!;
    this.current = trace.current[depth]!;
    this.memory.undoTo(trace.memoryMark[depth]!);
    this.races.log.undoTo(trace.epochMark[depth]!);
    this.depth = depth;
  }
}
