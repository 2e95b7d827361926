/**
 * The runner: runs the code of processes, one at a time, up to their next steps.
 *
 * A process that goes on without a switch just continues. To suspend it, its access throws a token that
 * unwinds its stack; to resume it, it is run again from its start and its accesses are answered from its
 * record, up to its pending operation. Code that catches the token gets it again from its next access.
 */
import type { Case, ThreadBody, ThreadContext } from '../case.js';
import type { Failure, FailureCode } from '../failure.js';
import { STOP, type Strategy } from '../search/strategy.js';
import { DIE, GO, processOf, wayOf } from './actors.js';
import {
  asynchronous,
  divergence,
  earlyEnd,
  messageOf,
  race,
  thrown,
  tooManyAccesses,
} from './complaints.js';
import { History, type Position } from './history.js';
import type { Observer } from './observer.js';
import { END, START, WRITE, headOf, isPlain } from './operations.js';
import { type Record, SLOT } from './record.js';
import type { State } from './state.js';
import { accessOutside, firstSlot, isStep, kill, plainAccess, step } from './steps.js';
import { NONE } from './trace.js';

/** What unwinds a suspended process's stack. It is no error: without a stack trace it is cheap. */
const SUSPENDED = { toString: () => 'This thread is suspended by @millrace/interleave' };

/** Plain accesses without a step, in slots, after which a process is looked at for going round in circles. */
const PLAIN_RUN = 32 * SLOT;

/** Whom to ask before there is a strategy. */
const NOBODY: Strategy = { next: () => STOP, backtrack: () => STOP, isNew: () => false };

export class Runner implements Position {
  readonly state: State;
  /** What each thread has returned. */
  readonly results: unknown[];
  readonly history: History;
  strategy: Strategy = NOBODY;
  failure: Failure | undefined;

  readonly #bodies: readonly ThreadBody[];
  readonly #contexts: readonly ThreadContext[];
  readonly #invariant: (() => void) | undefined;
  readonly #mostSlots: number;
  process = 0;
  slot = 0;
  isDue = false;
  unwinds = false;
  /** A process is running, and not code outside of them, such as a check. */
  inProcess = false;
  /** How far the clock of the process that runs has moved. */
  clockMs = 0;
  /** Processes run up to their first steps only. */
  #starting = false;
  #observer: Observer | undefined;
  #record: Record;
  /** The first slot of the record that is not merely repeated. */
  #limit = 0;
  /** In what way the process performs its pending operation when it gets there. */
  #way = GO;
  #chosen = STOP;
  /** Where the process last made a step. */
  #stepSlot = 0;

  constructor(of: Case, state: State, words: Int32Array, invariant: (() => void) | undefined) {
    this.state = state;
    this.history = new History(state);
    this.results = Array.from({ length: state.threads });
    this.#invariant = invariant;
    this.#mostSlots = state.settings.mostSteps * SLOT;
    this.#record = state.records[0]!;
    this.#bodies = state.records.map((_, p) => of.threads[p] ?? ((context) => of.sweep?.(context)));
    this.#contexts = state.records.map((_, p) => ({
      words,
      thread: p % state.threads,
      operation: <T>(name: string, args: readonly unknown[], run: () => T) =>
        this.inProcess && !this.unwinds ? this.history.run(this, name, args, run) : run(),
    }));
  }

  /** Tells `observer` of all that happens from here on. */
  observe(observer: Observer): void {
    this.#observer = observer;
    this.history.observer = observer;
  }

  get repeats(): boolean {
    return this.slot < this.#limit;
  }

  /** Runs every thread up to its first step. That is where all schedules begin. */
  start(): void {
    this.#starting = true;
    for (let p = 0; p < this.state.threads && !this.failure; p++) {
      this.state.live |= 1 << p;
      this.#run(p, GO);
    }
    this.#starting = false;
  }

  /** What the strategy makes of the state that has now been reached. */
  choose(): number {
    if (this.failure) return STOP;
    if (this.#invariant) {
      this.judge('ERR_INVARIANT_BROKEN', 'The invariant is broken', this.#invariant);
      if (this.failure) return STOP;
    }
    this.state.look();
    return this.strategy.next(this.state);
  }

  /** Goes on with `actor`, and then with whomever the strategy chooses, until it chooses to stop. */
  proceed(actor: number): void {
    const { state } = this;
    while (actor !== STOP) {
      const process = processOf(actor);
      if (wayOf(actor) === DIE) {
        kill(state, process);
        this.#observer?.death(process, state.depth - 1);
        actor = this.choose();
      } else if (state.pending(process) === END) {
        step(state, process, GO);
        this.#observer?.access(process, state.slots[process]!, state.depth - 1, true, 0);
        actor = this.choose();
      } else {
        actor = this.#run(process, wayOf(actor));
      }
    }
  }

  /**
   * An access by whatever code is running.
   *
   * @returns its result, the old value for those that write
   */
  access(kind: number, index: number, a: number, b: number): number {
    const slot = this.slot;
    if (slot >= this.#limit) return this.#live(kind, index, a, b);
    const { words } = this.#record;
    if (words[slot] !== headOf(kind, index) || words[slot + 1] !== a || words[slot + 2] !== b) {
      this.#diverge(slot, headOf(kind, index));
    }
    this.slot = slot + SLOT;
    return words[slot + 3]!;
  }

  /** Runs code outside of the threads, such as a check. What it writes is undone; that it throws is a failure. */
  judge(code: FailureCode, what: string, run: () => void): void {
    const { memory } = this.state;
    const mark = memory.length;
    const inProcess = this.inProcess;
    const cursor = this.slot;
    const limit = this.#limit;
    this.inProcess = false;
    this.slot = this.#limit = 0;
    try {
      run();
    } catch (cause) {
      this.fail({ code, message: `${what}: ${messageOf(cause)}`, cause });
    }
    memory.undoTo(mark);
    this.inProcess = inProcess;
    this.slot = cursor;
    this.#limit = limit;
  }

  /** The current schedule has failed; the first failure counts. */
  fail(failure: Failure): void {
    this.failure ??= failure;
  }

  #live(kind: number, index: number, a: number, b: number): number {
    if (!this.inProcess) return accessOutside(this.state, kind, index, a, b);
    if (this.unwinds) throw SUSPENDED;
    const { state } = this;
    const process = this.process;
    const slot = this.slot;
    const head = headOf(kind, index);
    if (this.isDue) {
      if (!this.#record.matches(slot, head, a, b)) this.#diverge(slot, head);
      this.isDue = false;
    } else {
      this.#record.put(slot, head, a, b);
      if (slot >= this.#mostSlots) this.#tooMany(slot);
      if (isPlain(kind) && !isStep(state, process, kind, index) && !this.#spins(slot)) {
        return this.#plain(kind, index, a);
      }
      state.arrive(process, slot);
      const chosen = this.#starting ? STOP : this.choose();
      if (chosen !== process) this.#suspend(chosen);
    }
    const result = step(state, process, this.#way);
    this.#way = GO;
    this.#stepSlot = slot;
    this.#advance(slot, true, state.trace.before[state.depth - 1]!);
    return result;
  }

  #plain(kind: number, index: number, value: number): number {
    const slot = this.slot;
    const result = plainAccess(this.state, this.process, index, kind === WRITE, value);
    this.#record.words[slot + 3] = result;
    this.#advance(slot, false, result);
    return result;
  }

  /** The access in `slot` has been performed. */
  #advance(slot: number, asStep: boolean, before: number): void {
    const { state } = this;
    this.slot = this.#limit = slot + SLOT;
    this.history.access(this.process);
    this.#observer?.access(this.process, slot, state.depth - 1, asStep, before);
    if (state.racer === NONE) return;
    const racer = state.nameOf(state.racer);
    state.racer = NONE;
    this.#abandon(race(state.nameOf(this.process), racer, this.#record.words[slot]!));
  }

  /** Runs a process up to its pending operation, lets it perform it, and go on. */
  #run(process: number, way: number): number {
    const { state } = this;
    const limit = state.slots[process]!;
    this.process = process;
    this.#record = state.records[process]!;
    this.slot = firstSlot(state, process);
    this.#limit = this.#stepSlot = limit;
    this.isDue = !this.#starting;
    this.#way = way;
    this.clockMs = 0;
    this.history.rewind(process, limit);
    if (this.isDue && state.pending(process) === START) {
      step(state, process, GO);
      this.#observer?.access(process, 0, state.depth - 1, true, 0);
      this.#limit = this.slot;
      this.isDue = false;
    }
    this.inProcess = true;
    let result: unknown;
    let error: unknown;
    let threw = false;
    try {
      result = this.#bodies[process]!(this.#contexts[process]!);
    } catch (caught) {
      threw = true;
      error = caught;
    }
    const end = this.slot;
    const repeated = end === this.#limit && !this.isDue;
    this.inProcess = false;
    this.slot = this.#limit = 0;
    if (isPromise(result)) {
      // An asynchronous function turns the token into a rejection.
      result.then(undefined, () => {});
      this.fail(asynchronous(state.nameOf(process)));
    }
    if (this.unwinds) {
      this.unwinds = false;
      return this.failure ? STOP : this.#chosen;
    }
    if (!repeated) this.fail(earlyEnd(state.nameOf(process), end, error));
    else if (threw) this.fail(thrown(state.nameOf(process), error));
    return this.failure ? STOP : this.#ended(process, end, result);
  }

  #ended(process: number, slot: number, result: unknown): number {
    const { state } = this;
    if (process < state.threads) this.results[process] = result;
    if (state.killsLeft > 0 && process < state.threads) {
      this.#record.put(slot, headOf(END, 0), 0, 0);
      state.arrive(process, slot);
    } else {
      state.slots[process] = slot;
      state.end(process);
    }
    return this.#starting ? STOP : this.choose();
  }

  #suspend(chosen: number): never {
    this.#chosen = chosen;
    this.unwinds = true;
    // Whatever is accessed while the stack unwinds is no repetition.
    this.#limit = this.slot;
    throw SUSPENDED;
  }

  /** A thread that spins on a plain read would never come to a step. */
  #spins(slot: number): boolean {
    if (slot - this.#stepSlot <= PLAIN_RUN) return false;
    return this.#record.cycleAt(slot, this.state.settings.spins) > 0;
  }

  #tooMany(slot: number): never {
    const { state } = this;
    const inCircles = this.#record.cycleAt(slot, 1) > 0 || state.spinning !== 0;
    this.#abandon(tooManyAccesses(state.nameOf(this.process), state.settings.mostSteps, inCircles));
  }

  #diverge(slot: number, head: number): never {
    this.#abandon(divergence(this.state.nameOf(this.process), this.#record, slot, head));
  }

  #abandon(failure: Failure): never {
    this.fail(failure);
    this.#suspend(STOP);
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
