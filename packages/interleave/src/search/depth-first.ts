/**
 * Depth-first search over every schedule, or over those with a bounded number of preemptions.
 *
 * At each state the current thread goes on first, so that switches come late and most schedules share a
 * long beginning with the one before. The bound is that of M. Musuvathi, S. Qadeer, "Iterative Context
 * Bounding", PLDI 2007: a switch costs 1 when the thread that is switched from could have gone on.
 *
 * Deaths are free. With a bound, a thread dies only where it is current, where it sleeps, or where it has
 * not yet begun, unless it is swept at once: to die later is the same as to have died when it was last
 * switched from.
 */
import { DIE, actorOf, lowest } from '../machine/actors.js';
import { END, WAKE, WRITE } from '../machine/operations.js';
import type { State } from '../machine/state.js';
import { NONE } from '../machine/trace.js';
import { grown } from '../machine/undo-log.js';
import { STOP, type Strategy } from './strategy.js';

export class DepthFirst implements Strategy {
  readonly #most: number;
  /** By depth: the actors that are still to be tried there, and the preemptions up to there. */
  #untried = new Int32Array(256);
  #preemptions = new Int32Array(256);
  #last = 0;

  /** @param most the bound on preemptions; `Infinity` for none */
  constructor(most: number) {
    this.#most = most;
  }

  /** With a bound, only schedules with as many preemptions: those with fewer were run under a lower bound. */
  isNew(): boolean {
    return this.#most === Infinity || this.#preemptions[this.#last] === this.#most;
  }

  next(state: State): number {
    const d = state.depth;
    this.#last = d;
    if (state.actors === 0) return STOP;
    if (d + 1 >= this.#untried.length) {
      this.#untried = grown(this.#untried);
      this.#preemptions = grown(this.#preemptions);
    }
    const options = this.#options(state);
    const { current } = state;
    const first = current !== NONE && (options & (1 << current)) !== 0 ? current : lowest(options);
    this.#untried[d] = options;
    return this.#pick(state, first);
  }

  backtrack(state: State): number {
    for (let d = state.depth - 1; d >= 0; d--) {
      const untried = this.#untried[d]!;
      if (untried === 0) continue;
      state.undoTo(d);
      state.look();
      return this.#pick(state, lowest(untried));
    }
    return STOP;
  }

  #options(state: State): number {
    const { actors, current, depth } = state;
    const goesOn = current !== NONE && (actors & (1 << current)) !== 0;
    const own = (1 << current) | (1 << actorOf(DIE, current));
    if (goesOn && isPrivate(state, current)) return actors & own;
    if (this.#most === Infinity) return actors;
    const bound = goesOn && this.#preemptions[depth]! >= this.#most;
    const going = bound ? actors & (1 << current) : actors & (2 ** actorOf(DIE, 0) - 1);
    return going | (actors & mayDie(state));
  }

  #pick(state: State, actor: number): number {
    const d = state.depth;
    const { current } = state;
    this.#untried[d]! &= ~(1 << actor);
    const preempts =
      current !== NONE &&
      actor !== current &&
      actor < actorOf(DIE, 0) &&
      (state.actors & (1 << current)) !== 0;
    this.#preemptions[d + 1] = this.#preemptions[d]! + (preempts ? 1 : 0);
    return actor;
  }
}

/** The deaths that make a difference when switches are bounded, as actors. */
function mayDie(state: State): number {
  const { current, depth, settings } = state;
  let dying = current === NONE ? 0 : 1 << current;
  for (let p = 0; p < state.threads; p++) {
    if (depth === 0 || settings.sweeps === 'atOnce' || state.pending(p) === WAKE) dying |= 1 << p;
  }
  return dying << actorOf(DIE, 0);
}

/** True when the process's next step is one only so that it can die before it: nobody else can tell when it happens. */
export function isPrivate(state: State, process: number): boolean {
  const { settings } = state;
  // Others can tell when it dies, as it is swept then.
  if (settings.sweeps === 'atOnce') return false;
  const kind = state.pending(process);
  if (kind === END) return true;
  if (kind !== WRITE || settings.everyAccess) return false;
  return !settings.allowsRaces(state.pendingIndex(process));
}
