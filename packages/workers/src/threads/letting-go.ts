/**
 * Letting go: after arenas were dropped, a worker's collector has to take what the worker knew of them, or their
 * memory stays. It does that as the event loop turns, which a parked worker's does not: so one that has been told
 * of a drop stays in its loop for a moment.
 */
import { callCollector } from '@millrace/core/internal';

/** Drops come several at a time: the collector is called after the last. */
const QUIET_MS = 20;
/** How long it may take. */
const TAKES_MS = 200;
/** What it was marking already when it was called, it spares: it has to be called twice. */
const ROUNDS = 2;

export class LettingGo {
  readonly #onDone: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDone called when the thread may park again */
  constructor(onDone: () => void = () => {}) {
    this.#onDone = onDone;
  }

  /** Whether the event loop is needed. */
  get goingOn(): boolean {
    return this.#timer !== undefined;
  }

  /** An arena was dropped. */
  begin(): void {
    this.#after(QUIET_MS, () => this.#collect(ROUNDS));
  }

  #collect(rounds: number): void {
    if (rounds > 0) {
      callCollector();
      this.#after(TAKES_MS, () => this.#collect(rounds - 1));
      return;
    }
    this.#timer = undefined;
    this.#onDone();
  }

  #after(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms).unref();
  }
}
