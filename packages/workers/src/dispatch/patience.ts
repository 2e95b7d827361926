/**
 * How long to look for something before one goes to rest: learnt from what looking has come to lately.
 *
 * To rest costs tens of microseconds, and hundreds where a virtual processor has halted meanwhile. So it pays to look
 * for about as long, if it comes within that time; if it does not, one looks for half as long the next time, and so on.
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

export interface PatienceTerms {
  /** To look for, where it pays. */
  readonly mostMs: number;
  /** To look for, where it does not. */
  readonly leastMs: number;
  /** To look for in a trial. */
  readonly trialMs: number;
}

export class Patience {
  readonly #terms: PatienceTerms;
  #ms: number;
  #trying = false;
  /** How many looks in a row have paid. */
  #paid = 0;
  /** How often it has come soon since the last trial, and must have until the next. */
  #soon = 0;
  #between = 1;

  constructor(terms: PatienceTerms) {
    this.#terms = terms;
    this.#ms = terms.mostMs;
  }

  /** For how long to look now. */
  get ms(): number {
    return this.#ms;
  }

  /** It was found by looking. @param ms for how long to look next */
  paid(ms: number = this.#terms.mostMs): void {
    this.#ms = ms;
    this.#trying = false;
    if (this.#paid < SURE && ++this.#paid === SURE) this.#between = 1;
  }

  /** It was not. */
  inVain(): void {
    const { leastMs } = this.#terms;
    this.#ms = this.#trying ? leastMs : Math.max(leastMs, this.#ms / 2);
    this.#trying = false;
    this.#paid = 0;
  }

  /** It has come after all, so long after the look began that was in vain. */
  came(afterMs: number): void {
    if (afterMs >= SOON_MS || ++this.#soon < this.#between) return;
    this.#soon = 0;
    this.#between = Math.min(MOST_BETWEEN, 2 * this.#between);
    this.#trying = true;
    this.#ms = this.#terms.trialMs;
  }
}
