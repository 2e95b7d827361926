/**
 * A hold: a lock or a permit as a thing that a block of code owns, for `using`.
 *
 * ```ts
 * using hold = await mutex.holdAsync();
 * if (hold.outcome === 'abandoned') repair();
 * ```
 */

/** How a lock was found: `abandoned` when the thread that held it before died with it. */
export type LockOutcome = 'clean' | 'abandoned';

/** A lock or a permit as a thing that a block of code owns, for `using`. */
export class Hold {
  /** How the lock was found; always `clean` for permits. */
  readonly outcome: LockOutcome;
  #giveBack: (() => void) | undefined;

  constructor(outcome: LockOutcome, giveBack: () => void) {
    this.outcome = outcome;
    this.#giveBack = giveBack;
  }

  /** Gives back what is held; a second time it does nothing. */
  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
