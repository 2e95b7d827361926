/**
 * The trace of the schedule that is being run: one event a step, and with each the state before it.
 *
 * Everything lies in flat arrays by depth, so that going back means to lower the depth. Event d leads
 * from state d to state d + 1.
 */
import { grown } from './undo-log.js';

/** Flags of an event: what it does to its word, as far as reordering is concerned. */
export const READS = 1;
export const WRITES = 2;
/** It is the first access of an operation that the thread announced. */
export const INVOKES = 4;
/** It is the last access of an operation that the thread announced. */
export const RESPONDS = 8;
/** It was only possible because nobody else could go on. */
export const BARRIER = 16;

export const NONE = -1;

export class Trace {
  /** By word: the last event there. */
  readonly lastAt: Int32Array;
  /** Who made the step. */
  actor = new Int32Array(256);
  head = new Int32Array(256);
  /** Where the operation stands in the process's record. */
  slot = new Int32Array(256);
  flags = new Int32Array(256);
  /** The word's value before the step. */
  before = new Int32Array(256);
  /** The previous event at the same word. */
  previousAt = new Int32Array(256);
  /** The previous event of the same process; a sweeper's first event has its thread's death. */
  previousOf = new Int32Array(256);
  /** The event that let a blocked process go on. */
  enabler = new Int32Array(256);
  /** The last event at or before this one, at the same word, whose value was stored by it. */
  release = new Int32Array(256);

  /** Masks of processes in the state before the event. */
  live = new Int32Array(256);
  waiting = new Int32Array(256);
  timed = new Int32Array(256);
  spinning = new Int32Array(256);
  killed = new Int32Array(256);
  killsLeft = new Int32Array(256);
  current = new Int32Array(256);
  /** Lengths of the undo logs in the state before the event. */
  memoryMark = new Int32Array(256);
  epochMark = new Int32Array(256);

  constructor(words: number) {
    this.lastAt = new Int32Array(words).fill(NONE);
  }

  /** Makes room for the event `depth`. */
  ensure(depth: number): void {
    if (depth < this.actor.length) return;
    this.actor = grown(this.actor);
    this.head = grown(this.head);
    this.slot = grown(this.slot);
    this.flags = grown(this.flags);
    this.before = grown(this.before);
    this.previousAt = grown(this.previousAt);
    this.previousOf = grown(this.previousOf);
    this.enabler = grown(this.enabler);
    this.release = grown(this.release);
    this.live = grown(this.live);
    this.waiting = grown(this.waiting);
    this.timed = grown(this.timed);
    this.spinning = grown(this.spinning);
    this.killed = grown(this.killed);
    this.killsLeft = grown(this.killsLeft);
    this.current = grown(this.current);
    this.memoryMark = grown(this.memoryMark);
    this.epochMark = grown(this.epochMark);
  }
}
