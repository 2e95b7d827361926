/**
 * The cap on large operations: how many of them may be at work at a time, over all threads that submit.
 *
 * A weighted semaphore in shared memory, first come, first served. An operation that is one task holds
 * its permit until that has settled; one in chunks, while any of them is in the hands of the workers. So
 * no operation holds a permit while it waits for its reader, its writer, or another operation.
 */
import { Semaphore, type ThreadId } from '@millrace/core';
import type { LargeGate } from './large-gate.js';
import { CAP_AT } from './layout.js';

export interface LargeLimits {
  /** Operations on objects of at least so many bytes, or of unknown size, are large. */
  readonly threshold: number;
  /** So many at a time. */
  readonly most: number;
  /** If it is given, they count by their bytes instead: so many at a time. */
  readonly mostBytes: number | undefined;
}

export interface LargeStats {
  /** Operations, or bytes, that may be at work at a time. */
  limit: number;
  atWork: number;
  waiting: number;
}

export class LargeOperations implements LargeGate {
  readonly exempt = false;
  readonly #semaphore: Semaphore;
  readonly #limits: LargeLimits;
  readonly #total: number;

  constructor(words: Int32Array, thread: ThreadId, limits: LargeLimits) {
    this.#semaphore = new Semaphore(words, CAP_AT, thread);
    this.#limits = limits;
    this.#total = this.#semaphore.stats().total;
  }

  /** Once, before any thread uses it. @throws MillraceError `ERR_INVALID_ARG` */
  static init(words: Int32Array, { most, mostBytes }: LargeLimits): void {
    // In units of a page, so that totals beyond 2^31 bytes can be counted.
    Semaphore.init(
      words,
      CAP_AT,
      mostBytes === undefined ? { total: most } : { total: mostBytes, unit: 4096 },
    );
  }

  isLarge(bytes: number | undefined): boolean {
    return bytes === undefined || bytes >= this.#limits.threshold;
  }

  /** What an operation on so many bytes weighs; of unknown size, or larger than the limit, it runs alone. */
  weightOf(bytes: number | undefined): number {
    return this.#limits.mostBytes === undefined ? 1 : Math.min(bytes ?? Infinity, this.#total);
  }

  /** Takes a permit at once, if nobody waits for one. */
  tryEnter(weight: number): boolean {
    return this.#semaphore.tryAcquire(weight);
  }

  /** @throws MillraceError `ERR_ABORTED` */
  enter(weight: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#semaphore.acquireAsync(weight, { signal });
  }

  leave(weight: number): void {
    this.#semaphore.release(weight);
  }

  /** Gives back what a dead thread held. */
  reclaim(thread: ThreadId): void {
    this.#semaphore.reclaim(thread);
  }

  stats(): LargeStats {
    const { total, free, waiting, queuedHere } = this.#semaphore.stats();
    return { limit: total, atWork: total - free, waiting: waiting.length + queuedHere };
  }
}
