/**
 * Follows one schedule, as a seed gives it, and goes on from its end in the simplest way.
 */
import { GOING, lowest } from '../machine/actors.js';
import type { State } from '../machine/state.js';
import { NONE } from '../machine/trace.js';
import { STOP, type Strategy } from './strategy.js';

export class Follow implements Strategy {
  readonly #actors: readonly number[];
  /** The step at which the schedule could not be followed. */
  lostAt = NONE;

  constructor(actors: readonly number[]) {
    this.#actors = actors;
  }

  isNew(): boolean {
    return true;
  }

  next(state: State): number {
    const { actors, current, depth } = state;
    if (actors === 0) return STOP;
    const actor = this.#actors[depth];
    if (actor === undefined) {
      if (current !== NONE && (actors & (1 << current)) !== 0) return current;
      return lowest(actors & GOING || actors);
    }
    if ((actors & (1 << actor)) !== 0) return actor;
    this.lostAt = depth;
    return STOP;
  }

  backtrack(): number {
    return STOP;
  }
}
