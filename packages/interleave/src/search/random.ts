/**
 * Random search by priorities (PCT): finds each fault of a given depth with a known chance a schedule,
 * however long schedules are.
 *
 * Each process gets a random priority, and the highest that can go on does. At `depth − 1` random steps
 * the process that would go on falls below all others. Timeouts are processes of their own here. Deaths
 * strike at random steps.
 *
 * Source: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, "A Randomized Scheduler with
 * Probabilistic Guarantees of Finding Bugs", ASPLOS 2010.
 */
import { DIE, actorOf, lowest, processOf } from '../machine/actors.js';
import type { State } from '../machine/state.js';
import { NONE } from '../machine/trace.js';
import { isPrivate } from './depth-first.js';
import { STOP, type Strategy } from './strategy.js';

/** What a schedule is taken to be long before any was run. */
const FIRST_GUESS = 16;
/** Processes, and the timeouts of each. */
const ACTORS = 16;
/** No step comes so late. */
const NEVER = 2 ** 30;

export class RandomSearch implements Strategy {
  readonly #schedules: number;
  readonly #depth: number;
  #random: number;
  #run = 0;
  /** The longest schedule so far: where random steps are drawn from. */
  #longest = FIRST_GUESS;
  /** By actor; the highest goes on. */
  readonly #priorities = new Int32Array(ACTORS);
  /** When a process falls, or dies; the next comes last. */
  #falls: number[] = [];
  #deaths: number[] = [];
  #nextFall = NEVER;
  #nextDeath = NEVER;
  /** The actors among which the highest was last looked for, and which it was. */
  #among = 0;
  #highest = 0;

  constructor(schedules: number, seed: number, depth: number) {
    this.#schedules = schedules;
    this.#random = seed | 0;
    this.#depth = depth;
  }

  isNew(): boolean {
    return true;
  }

  next(state: State): number {
    const { depth, actors, current } = state;
    if (depth === 0) this.#draw(state.settings.kills);
    if (depth > this.#longest) this.#longest = depth;
    if (actors === 0) return STOP;
    if (depth >= this.#nextDeath) {
      const mortal = actors >>> actorOf(DIE, 0);
      if (mortal !== 0) {
        this.#nextDeath = this.#deaths.pop() ?? NEVER;
        return actorOf(DIE, this.#oneOf(mortal));
      }
    }
    if (current !== NONE && (actors & (1 << current)) !== 0 && isPrivate(state, current)) {
      return current;
    }
    const going = actors & (2 ** actorOf(DIE, 0) - 1);
    if (going !== this.#among) this.#look(going);
    while (depth >= this.#nextFall) {
      this.#nextFall = this.#falls.pop() ?? NEVER;
      this.#priorities[this.#highest] = this.#falls.length - this.#depth;
      this.#look(going);
    }
    return this.#highest;
  }

  backtrack(state: State): number {
    if (++this.#run >= this.#schedules) return STOP;
    state.undoTo(0);
    state.look();
    return this.next(state);
  }

  #look(actors: number): void {
    let best = lowest(actors);
    for (let rest = actors & (actors - 1); rest !== 0; rest &= rest - 1) {
      const actor = lowest(rest);
      if (this.#priorities[actor]! > this.#priorities[best]!) best = actor;
    }
    this.#among = actors;
    this.#highest = best;
  }

  #draw(kills: number): void {
    const order = this.#priorities;
    for (let i = 0; i < ACTORS; i++) {
      const j = this.#below(i + 1);
      order[i] = order[j]!;
      order[j] = i;
    }
    this.#among = 0;
    this.#falls = this.#steps(this.#depth - 1);
    this.#nextFall = this.#falls.pop() ?? NEVER;
    this.#deaths = this.#steps(kills === 0 ? 0 : this.#below(kills + 1));
    this.#nextDeath = this.#deaths.pop() ?? NEVER;
  }

  #steps(count: number): number[] {
    return Array.from({ length: count }, () => this.#below(this.#longest)).sort((a, b) => b - a);
  }

  /** One of the processes in a mask that is not empty. */
  #oneOf(mask: number): number {
    let rest = mask;
    for (let skip = this.#below(32); skip > 0; skip--) rest = rest & (rest - 1) || mask;
    return processOf(lowest(rest));
  }

  /** A random integer from 0 to `bound` − 1. Source: T. Ettinger, "Mulberry32", 2017. */
  #below(bound: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}
