/**
 * How long a worker looks for work before it parks.
 *
 * Who is woken may find itself on the processor of whoever woke it, though another is free: Linux takes a virtual
 * processor that has halted for one that cannot be had. Then the sender comes only when the worker sleeps, and looking
 * is in vain for as long as both share. They are parted by a tick of the scheduler that finds both wanting to run, of
 * which there are 250 a second as a rule, so a trial lasts as long.
 */
import { Patience } from '../dispatch/patience.js';

const TERMS = { mostMs: 0.1, leastMs: 0.005, trialMs: 4 };
/**
 * Where tasks come back at once, as long as a garbage collection on their sender's thread: the thread spins all the
 * time anyway.
 */
const MOST_AT_ONCE_MS = 0.5;
/** Claims to try between two looks at the clock, which costs as much as several claims. */
const TRIES = 16;
/** What comes within so many of these comes at once. */
const AT_ONCE = 4;

/** `Atomics.pause` is there from Node 24 on. */
const pause = (Atomics as { pause?: (n?: number) => void }).pause ?? ((): void => {});

export class SpinBudget {
  readonly #patience = new Patience(TERMS);
  /** When the look began that was in vain; 0 when there was none since it was woken. */
  #since = 0;

  /** Calls `attempt` until it gives 0 or more, or the budget is used up: then -1. */
  until(attempt: () => number): number {
    const startedAt = performance.now();
    const deadline = startedAt + this.#patience.ms;
    let round = 0;
    do {
      round++;
      for (let i = 0; i < TRIES; i++) {
        const found = attempt();
        if (found >= 0) {
          this.#patience.paid(round <= AT_ONCE ? MOST_AT_ONCE_MS : TERMS.mostMs);
          return found;
        }
        pause();
      }
    } while (performance.now() < deadline);
    this.#patience.inVain();
    this.#since = startedAt;
    return -1;
  }

  /** The worker has parked, and was woken. */
  woken(): void {
    if (this.#since === 0) return;
    this.#patience.came(performance.now() - this.#since);
    this.#since = 0;
  }
}
