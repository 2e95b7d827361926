/**
 * The waiter: how a thread waits for another. It spins for as long as that has lately paid, then parks.
 *
 *   spin ──came true──▶ on it goes, and spins half as long again next time
 *     └──budget used up──▶ park in Atomics.wait, and spin half as long next time
 *
 * To park and be woken costs tens of microseconds on a virtual machine. To spin that long and park
 * after all costs twice the optimum at worst (Karlin, Li, Manasse, Owicki: "Empirical studies of
 * competitive spinning for a shared-memory multiprocessor", 1991); learning the budget makes it
 * better than that where waits are always short or always long, as glibc's adaptive mutex does.
 */
import { syncError } from './errors.js';
import type { Patience } from './patience.js';

const LEAST_SPIN_MS = 0.005;
/** About what it costs to park and be woken. */
const MOST_SPIN_MS = 0.05;
/** Attempts between two looks at the clock, which costs as much as several attempts. */
const TRIES = 16;

/** How a {@link Waiter} spins. */
export interface WaiterOptions {
  /** Spin for this many milliseconds at most before parking; 0: never spin. @defaultValue 0.05 */
  readonly mostSpinMs?: number;
}

/** What all structures of this room may be given. */
export interface SyncOptions {
  /** How this thread waits; structures with waits of much the same length may share one. */
  readonly waiter?: Waiter;
}

/**
 * How a thread waits for another: it spins for as long as that has lately paid, then parks.
 *
 * Source: A. Karlin, K. Li, M. Manasse, S. Owicki, "Empirical studies of competitive spinning for a
 * shared-memory multiprocessor", SOSP 1991.
 */
export class Waiter {
  readonly #mostMs: number;
  readonly #leastMs: number;
  #budgetMs: number;
  #mayBlock: boolean | undefined;

  constructor(options: WaiterOptions = {}) {
    this.#mostMs = options.mostSpinMs ?? MOST_SPIN_MS;
    this.#leastMs = Math.min(LEAST_SPIN_MS, this.#mostMs);
    this.#budgetMs = this.#mostMs / 2;
  }

  /** Whether it spins at all. */
  get spins(): boolean {
    return this.#mostMs > 0;
  }

  /** Calls `attempt` until it returns true, or until the budget is used up: then false. */
  spin(attempt: () => boolean): boolean {
    if (!this.spins) return false;
    const deadlineMs = performance.now() + this.#budgetMs;
    do {
      for (let i = 0; i < TRIES; i++) {
        if (attempt()) {
          this.#budgetMs = Math.min(this.#mostMs, this.#budgetMs * 1.5);
          return true;
        }
        relax();
      }
    } while (performance.now() < deadlineMs);
    this.#budgetMs = Math.max(this.#leastMs, this.#budgetMs / 2);
    return false;
  }

  /**
   * Sleeps while `words[at]` is `value`, until somebody notifies `at`. It may wake without a cause.
   *
   * @returns false when the time was up
   */
  park(words: Int32Array, at: number, value: number, patience: Patience): boolean {
    const leftMs = patience.leftMs;
    // A sleeper that is woken has taken a wake-up out: `timed-out` says that this one has not.
    return leftMs > 0 && Atomics.wait(words, at, value, leftMs) !== 'timed-out';
  }

  /** Whether this thread may block: a browser's main thread may not. */
  mayBlock(words: Int32Array, at: number): boolean {
    if (this.#mayBlock === undefined) {
      try {
        // Whether the thread may block is looked at first; then a value that differs ends the wait at once.
        Atomics.wait(words, at, ~Atomics.load(words, at), 0);
        this.#mayBlock = true;
      } catch {
        this.#mayBlock = false;
      }
    }
    return this.#mayBlock;
  }

  /**
   * To be called before a thread announces that it will park.
   *
   * @throws MillraceError `ERR_CANNOT_BLOCK` when this thread may not block
   */
  requireBlocking(words: Int32Array, at: number): void {
    if (this.mayBlock(words, at)) return;
    throw syncError(
      'ERR_CANNOT_BLOCK',
      'Cannot wait as this thread may not block, or the memory is not shared: use the async form',
    );
  }

  /** How long it would spin now. */
  stats(): { spinMs: number } {
    return { spinMs: this.#budgetMs };
  }
}

/** Tells the processor that this is a spin. `Atomics.pause` exists from Node 24 on. */
export function relax(): void {
  (Atomics as { pause?: (hint?: number) => void }).pause?.();
}
