/**
 * A strategy decides which schedules are run.
 */
import type { State } from '../machine/state.js';

/** No actor: the schedule ends here, or there is no other. */
export const STOP = -1;

export interface Strategy {
  /** Picks one of `state.actors` to make the next step; {@link STOP} leaves the schedule unfinished. */
  next(state: State): number;
  /** Undoes steps until another schedule branches off, and picks its first actor; {@link STOP} when all were run. */
  backtrack(state: State): number;
  /** False when the schedule that has just ended was run before, and is not to be counted. */
  isNew(): boolean;
}
