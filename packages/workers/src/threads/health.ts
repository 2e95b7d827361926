/** The mill's health: threads that die one after the other, while no task is completed, are not replaced for ever. */
import { MillraceError } from '@millrace/core';

export class Health {
  readonly #most: number;
  readonly #completed: () => number;
  #completedThen = 0;
  #inARow = 0;
  #lastCause: unknown;

  /** @param completed how many tasks have been completed so far */
  constructor(most: number, completed: () => number) {
    this.#most = most;
    this.#completed = completed;
  }

  /** What ended the last thread that died; `undefined` when none has. */
  get lastCause(): unknown {
    return this.#lastCause;
  }

  /** A thread has died of itself. False when it was one too many: it is not to be replaced. */
  survives(cause: unknown): boolean {
    const completed = this.#completed();
    if (completed !== this.#completedThen) this.#inARow = 0;
    this.#completedThen = completed;
    this.#lastCause = cause;
    return ++this.#inARow < this.#most;
  }

  /** What everything that is asked of the mill fails with, once it has given up. */
  complaint(): MillraceError {
    const cause = this.#lastCause;
    const last = cause instanceof Error ? cause.message : String(cause);
    return new MillraceError(
      'ERR_MILL_UNHEALTHY',
      `Cannot run a task as the mill is unhealthy: ${this.#inARow} of its threads died in a row, the last one of: ${last}`,
      { cause },
    );
  }
}
