/**
 * A pending wait of a thread that does not block: a promise, the timer that ends it, and the ear that
 * it lends to a signal. Whatever comes first settles it; the rest is dropped.
 *
 * The timer is set even when there is no timeout. `Atomics.waitAsync` does not keep Node's event loop
 * alive, and whoever waits for a lock wants the process to be there when it comes; who does not, says so.
 */
import { hear, unhear } from './ear.js';
import type { Ending, Patience } from './patience.js';

/** The longest delay that timers know. */
const LONGEST_MS = 2 ** 31 - 1;

export class Pending<Outcome> {
  readonly outcome: Promise<Outcome | Ending>;
  readonly #patience: Patience;
  readonly #onGivenUp: (pending: Pending<Outcome>) => void;
  readonly #abort = (): void => this.#giveUp('aborted');
  #resolve!: (outcome: Outcome | Ending) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settled = false;

  /** @param onGivenUp is called when time or signal ended it; it may settle others, never this one */
  constructor(patience: Patience, onGivenUp: (pending: Pending<Outcome>) => void) {
    this.outcome = new Promise((resolve) => (this.#resolve = resolve));
    this.#patience = patience;
    this.#onGivenUp = onGivenUp;
    if (patience.signal !== undefined) hear(patience.signal, this.#abort);
    this.#setTimer();
  }

  settle(outcome: Outcome | Ending): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    const { signal } = this.#patience;
    if (signal !== undefined) unhear(signal, this.#abort);
    this.#resolve(outcome);
  }

  #setTimer(): void {
    const leftMs = Math.min(this.#patience.leftMs, LONGEST_MS);
    this.#timer = setTimeout(() => {
      // Timers may fire a little early, and the longest delay is not for ever.
      if (this.#patience.leftMs > 0) this.#setTimer();
      else this.#giveUp('timed out');
    }, leftMs);
    if (!this.#patience.keepAlive) letGo(this.#timer);
  }

  #giveUp(ending: Ending): void {
    if (this.#settled) return;
    this.settle(ending);
    this.#onGivenUp(this);
  }
}

/** A timer that does not keep Node's process alive. Browsers have numbers for timers, and no such question. */
export function letGo(timer: ReturnType<typeof setTimeout | typeof setInterval>): void {
  (timer as { unref?: () => void }).unref?.();
}
