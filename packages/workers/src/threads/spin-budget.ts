/**
 * How long to look for work before parking: learnt from whether looking has paid lately.
 *
 * Waking a parked thread costs tens of microseconds on a virtual machine, so a short look pays when
 * tasks come back to back; when it does not, the budget shrinks until it costs next to nothing.
 */

const LEAST_MS = 0.005;
const MOST_MS = 0.1;
/**
 * Where tasks come back at once, as long as a garbage collection on their sender's thread: the thread spins all the
 * time anyway, and one that is woken may find itself on its sender's processor, where each gets in the other's way.
 */
const MOST_AT_ONCE_MS = 0.5;
/** Claims to try between two looks at the clock, which costs as much as several claims. */
const TRIES = 16;
/** What comes within so many of these comes at once. */
const AT_ONCE = 4;

/** `Atomics.pause` is there from Node 24 on. */
const pause = (Atomics as { pause?: (n?: number) => void }).pause ?? ((): void => {});

export class SpinBudget {
  #budgetMs = MOST_MS / 2;

  /** Calls `attempt` until it gives 0 or more, or the budget is used up: then -1. */
  until(attempt: () => number): number {
    const deadline = performance.now() + this.#budgetMs;
    let round = 0;
    do {
      round++;
      for (let i = 0; i < TRIES; i++) {
        const found = attempt();
        if (found >= 0) {
          const most = round <= AT_ONCE ? MOST_AT_ONCE_MS : MOST_MS;
          this.#budgetMs = Math.min(most, this.#budgetMs * 1.5);
          return found;
        }
        pause();
      }
    } while (performance.now() < deadline);
    this.#budgetMs = Math.max(LEAST_MS, this.#budgetMs / 2);
    return -1;
  }
}
