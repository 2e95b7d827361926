/**
 * Source-DPOR: at least one schedule of each class of equivalent ones, and few more.
 *
 * A schedule is run to its end. Wherever two of its events race, the state before the first of them gets a
 * thread to begin with that lets the second come first. Sleep sets keep out schedules that are
 * equivalent to one that was run.
 *
 * A thread may have several actors: it goes on, or dies, or its wait times out. Wherever the thread is
 * tried, all of them are.
 *
 * Source: P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, "Optimal Dynamic Partial Order Reduction",
 * POPL 2014, algorithm 1.
 */
import { GOING, actorsOf, lowest, processOf, processesOf } from '../machine/actors.js';
import type { State } from '../machine/state.js';
import { INVOKES, NONE, RESPONDS } from '../machine/trace.js';
import { grown } from '../machine/undo-log.js';
import { Dependence } from './dependence.js';
import { STOP, type Strategy } from './strategy.js';

export class Dpor implements Strategy {
  readonly #dependence: Dependence;
  /** By depth: masks of actors that can make a step there, and of those that need not be tried again. */
  #actors = new Int32Array(256);
  #asleep = new Int32Array(256);
  /** Those of the sleeping actors whose step begins an operation, and those whose step ends one. */
  #invoking = new Int32Array(256);
  #responding = new Int32Array(256);
  /** By depth: the mask of processes to be tried there. */
  #wanted = new Int32Array(256);
  /** In the part of a schedule after a race: the first event of each process. */
  readonly #first: Int32Array;

  constructor(state: State) {
    this.#dependence = new Dependence(state);
    this.#first = new Int32Array(state.processes);
  }

  isNew(): boolean {
    return true;
  }

  next(state: State): number {
    const d = state.depth;
    if (d === this.#actors.length) this.#grow();
    if (d === 0) this.#asleep[0] = this.#invoking[0] = this.#responding[0] = 0;
    else {
      this.#findRaces(state, d - 1);
      this.#inherit(d);
    }
    this.#actors[d] = state.actors;
    const awake = state.actors & ~this.#asleep[d]!;
    if (awake === 0) {
      this.#wanted[d] = 0;
      return STOP;
    }
    const { current } = state;
    const going = awake & GOING;
    const actor = current !== NONE && (going & (1 << current)) !== 0 ? current : lowest(awake);
    // A process that could only die here, because it is blocked or because its going on was tried before,
    // may do something else later: then schedules that begin with any other process are wanted as well. So
    // they are among sweepers that start when all others are stuck: each then puts off the others.
    const alone =
      going === 0 ? state.killsLeft === 0 : !state.lastResort || !isSweeper(state, actor);
    this.#wanted[d] = alone ? 1 << processOf(actor) : processesOf(awake);
    return actor;
  }

  backtrack(state: State): number {
    const { trace } = state;
    for (let d = state.depth - 1; d >= 0; d--) {
      const bit = 1 << trace.actor[d]!;
      this.#asleep[d]! |= bit;
      if ((trace.flags[d]! & INVOKES) !== 0) this.#invoking[d]! |= bit;
      if ((trace.flags[d]! & RESPONDS) !== 0) this.#responding[d]! |= bit;
      const left = this.#actors[d]! & actorsOf(this.#wanted[d]!) & ~this.#asleep[d]!;
      if (left === 0) continue;
      state.undoTo(d);
      state.look();
      return lowest(left);
    }
    return STOP;
  }

  /** Who sleeps at state `d`: whoever slept before, unless the event in between depends on it. */
  #inherit(d: number): void {
    let asleep = this.#asleep[d - 1]!;
    const invoking = this.#invoking[d - 1]!;
    const responding = this.#responding[d - 1]!;
    for (let rest = asleep; rest !== 0; rest &= rest - 1) {
      const actor = lowest(rest);
      const bit = 1 << actor;
      const flags =
        ((invoking & bit) !== 0 ? INVOKES : 0) | ((responding & bit) !== 0 ? RESPONDS : 0);
      if (this.#dependence.conflicts(actor, flags, d - 1)) asleep &= ~bit;
    }
    this.#asleep[d] = asleep;
    this.#invoking[d] = invoking & asleep;
    this.#responding[d] = responding & asleep;
  }

  #findRaces(state: State, d: number): void {
    const racing = this.#dependence.add(d);
    for (let rest = racing; rest !== 0; rest &= rest - 1) {
      this.#reverse(state, this.#dependence.racing(lowest(rest)), d);
    }
  }

  /** Sees to it that a schedule is run in which the event `d` does not wait for the event `e`. */
  #reverse(state: State, e: number, d: number): void {
    const { trace } = state;
    const at = this.#beforeSweep(state, e);
    const enabled = this.#actors[at]!;
    const process = processOf(trace.actor[d]!);
    // The process was blocked until `e`, with no other way to go on.
    if (trace.enabler[d] === e && (enabled & actorsOf(1 << process)) === 0) return;

    const initials = this.#initials(state, at, d);
    if ((initials & this.#wanted[at]!) !== 0) return;
    if (this.#sleeps(state, at, initials)) return;
    const possible = initials & processesOf(enabled);
    if (possible === 0) this.#wanted[at] = processesOf(enabled);
    else if ((possible & (1 << process)) !== 0) this.#wanted[at]! |= 1 << process;
    else this.#wanted[at]! |= possible & -possible;
  }

  /** The event itself; when it belongs to a sweep that is not to be interrupted, the death before it. */
  #beforeSweep(state: State, e: number): number {
    if (state.settings.sweeps !== 'atOnce') return e;
    const { trace, threads } = state;
    let at = e;
    while (processOf(trace.actor[at]!) >= threads) at = trace.previousOf[at]!;
    return at;
  }

  /**
   * The processes that could make the first step, after the state `e`, of a schedule that has the events up
   * to `d` without `e` and all that depends on it.
   */
  #initials(state: State, e: number, d: number): number {
    const { actor } = state.trace;
    const dependence = this.#dependence;
    const owner = processOf(actor[e]!);
    const first = this.#first;
    let seen = 0;
    let initials = 0;
    for (let f = e + 1; f <= d; f++) {
      const process = processOf(actor[f]!);
      if ((seen & (1 << process)) !== 0) continue;
      if (f !== d && dependence.precedes(e, owner, f)) continue;
      let depends = false;
      for (let rest = seen; rest !== 0 && !depends; rest &= rest - 1) {
        const other = lowest(rest);
        depends = dependence.precedes(first[other]!, other, f);
      }
      if (!depends) initials |= 1 << process;
      seen |= 1 << process;
      first[process] = f;
    }
    return initials;
  }

  /** True when one of the first steps was tried before: then so was all that can follow. */
  #sleeps(state: State, at: number, initials: number): boolean {
    const { actor } = state.trace;
    for (let rest = initials; rest !== 0; rest &= rest - 1) {
      const f = this.#first[lowest(rest)]!;
      if ((this.#asleep[at]! & (1 << actor[f]!)) !== 0) return true;
    }
    return false;
  }

  #grow(): void {
    this.#actors = grown(this.#actors);
    this.#asleep = grown(this.#asleep);
    this.#invoking = grown(this.#invoking);
    this.#responding = grown(this.#responding);
    this.#wanted = grown(this.#wanted);
  }
}

function isSweeper(state: State, actor: number): boolean {
  return processOf(actor) >= state.threads;
}
