/** The gate of an adaptive pool that was given none: a semaphore of its own, first come, first served. */
import { Semaphore } from '../sync/semaphore.js';
import type { ThreadId } from '../threads/registry.js';
import type { LargeOpsGate } from './cap.js';

export class OwnGate implements LargeOpsGate {
  readonly #semaphore: Semaphore;

  /** @param most how many operations it lets in at a time */
  constructor(most: number, thread: ThreadId) {
    const words = new Int32Array(new SharedArrayBuffer(Semaphore.words(thread) * 4));
    Semaphore.init(words, 0, { total: most });
    this.#semaphore = new Semaphore(words, 0, thread);
  }

  weightOf(): number {
    return 1;
  }

  tryEnter(weight: number): boolean {
    return this.#semaphore.tryAcquire(weight);
  }

  enter(weight: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#semaphore.acquireAsync(weight, { signal });
  }

  leave(weight: number): void {
    this.#semaphore.release(weight);
  }
}
