/**
 * SIGINT, SIGTERM and SIGHUP: the first asks the transfer to stop and tidy up, the next ends the process
 * at once.
 */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Signal = (typeof SIGNALS)[number];

export class Interrupts {
  readonly #controller = new AbortController();
  #received: Signal | undefined;
  readonly #onSignal = (signal: Signal): void => {
    if (this.#received !== undefined) {
      // Not process.exit(): that waits for threads, and one of them may be what does not end.
      this.stopListening();
      process.kill(process.pid, signal);
      return;
    }
    this.#received = signal;
    this.#controller.abort(new Error(`Interrupted by ${signal}`));
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Aborted when a signal has come. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 130 for SIGINT, 143 for SIGTERM, as shells have it; undefined when no signal has come. */
  get exitCode(): number | undefined {
    return this.#received && 128 + constants.signals[this.#received];
  }

  /** From here on a signal does what it does to any process. */
  stopListening(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
  }
}
