/**
 * How long a worker looks for work before it parks.
 *
 * Who is woken may find itself on the processor of whoever woke it. Then the sender comes only when the worker sleeps,
 * and to look is in vain. What parts them is a look in which the scheduler has its tick: a trial lasts as long as there
 * is between two, with 250 a second.
 */
import { LookBudget } from '../dispatch/look-budget.js';

const SPIN = { mostMs: 0.2, leastMs: 0.005, trialMs: 4 };
/** Claims to try between two looks at the clock, which costs as much as several claims. */
const TRIES = 16;

/** `Atomics.pause` is there from Node 24 on. */
const pause = (Atomics as { pause?: (n?: number) => void }).pause ?? ((): void => {});

export class SpinBudget {
  readonly #budget = new LookBudget(SPIN);
  /** When the look began that was in vain; 0 when there was none since it was woken. */
  #since = 0;

  /** Calls `attempt` until it gives 0 or more, or the budget is used up: then -1. */
  until(attempt: () => number): number {
    const startedAt = performance.now();
    const deadline = startedAt + this.#budget.ms;
    do {
      for (let i = 0; i < TRIES; i++) {
        const found = attempt();
        if (found >= 0) {
          this.#budget.paid();
          return found;
        }
        pause();
      }
    } while (performance.now() < deadline);
    this.#budget.inVain();
    this.#since = startedAt;
    return -1;
  }

  /** The worker has parked, and was woken. */
  woken(): void {
    if (this.#since === 0) return;
    this.#budget.came(performance.now() - this.#since);
    this.#since = 0;
  }
}
