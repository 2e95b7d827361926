/**
 * For how long to look for something before one goes to rest: learnt from what looking has come to lately.
 *
 * To rest and be woken costs tens of microseconds, or hundreds. So it pays to look for about as long, if it comes
 * within that time; if it does not, one looks for half as long the next time, and so on.
 *
 * Two sides that both rest keep each other waiting: each finds the other slow, when it is only asleep. So where
 * something has come soon after all, one look is a trial, and longer. Trials that show nothing grow rare.
 */

/** Within this time of the beginning of a look it has come soon. */
const SOON_MS = 0.4;
/** That a trial has shown something is sure once so many looks in a row have paid. */
const SURE = 16;
/** At most so often must it have come soon until the next trial. */
const MOST_BETWEEN = 1024;

export interface LookLimits {
  /** To look for, where it pays. */
  readonly mostMs: number;
  /** To look for, where it does not. */
  readonly leastMs: number;
  /** To look for in a trial: longer than all else. */
  readonly trialMs: number;
}

export class LookBudget {
  readonly #limits: LookLimits;
  #ms: number;
  /** How many looks in a row have paid. */
  #paid = 0;
  /** How often it has come soon since the last trial, and must have until the next. */
  #soon = 0;
  #between = 1;

  constructor(limits: LookLimits) {
    this.#limits = limits;
    this.#ms = limits.mostMs;
  }

  /** For how long to look now. */
  get ms(): number {
    return this.#ms;
  }

  /** It was found by looking. */
  paid(): void {
    this.#ms = this.#limits.mostMs;
    if (++this.#paid >= SURE) this.#between = 1;
  }

  /** It was not. */
  inVain(): void {
    const { leastMs, trialMs } = this.#limits;
    this.#ms = this.#ms === trialMs ? leastMs : Math.max(leastMs, this.#ms / 2);
    this.#paid = 0;
  }

  /** It has come after all, so long after the look began that was in vain. */
  came(afterMs: number): void {
    if (afterMs >= SOON_MS || ++this.#soon < this.#between) return;
    this.#soon = 0;
    this.#between = Math.min(MOST_BETWEEN, 2 * this.#between);
    this.#ms = this.#limits.trialMs;
  }
}
