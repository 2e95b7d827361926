/**
 * Gauges: numbers that go up and down, such as bytes held or tasks in flight.
 *
 *   latest    one word a gauge, a line each: the thread that set it last
 *   stripes   one a thread, of whole lines: eight words a gauge (see `versioned-number.ts`)
 *
 * Each thread writes to its own stripe, and nobody waits for anybody. What a gauge says is read in one
 * of two ways: as the sum of what all threads say (each counts what it holds), or as what the thread
 * said that spoke last (all speak of the same thing). Only who uses `setLatest` pays for the second.
 *
 * What must hold: a thread id is used by one thread at a time, and the sweeper clears the stripe of a
 * dead thread before its id is given out again.
 */
import { MillraceError } from '../errors.js';
import { LINE, MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { loadNumber, storeNumber, versionOf } from './versioned-number.js';

/** A power of two, so that no number lies across two cache lines. */
const GAUGE_WORDS = 8;

/**
 * Numbers that each thread sets for itself, and any thread reads whole, one by one, summed, or the last
 * that was set. Nobody waits, whoever dies.
 */
export class Gauges {
  readonly count: number;
  readonly #words: Int32Array;
  readonly #latestAt: number;
  readonly #stripesAt: number;
  readonly #stripeWords: number;

  /** How many words `count` gauges take; those of unused thread ids are never touched. */
  static words(count: number): number {
    return count * LINE + MAX_THREADS * stripeWords(count);
  }

  /**
   * Gauges over shared memory; zeroed words are gauges that all say 0.
   *
   * @param at where in `words` their {@link Gauges.words} begin; best a multiple of 32
   * @throws MillraceError `ERR_INVALID_ARG` when the words do not do
   */
  constructor(words: Int32Array, at: number, count: number) {
    if (
      !Number.isInteger(count) ||
      count < 1 ||
      !Number.isInteger(at) ||
      at < 0 ||
      at + Gauges.words(count) > words.length
    ) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make ${String(count)} gauges at word ${String(at)} of ${words.length} as they take ${Gauges.words(count)}`,
      );
    }
    this.count = count;
    this.#words = words;
    this.#latestAt = at;
    this.#stripesAt = at + count * LINE;
    this.#stripeWords = stripeWords(count);
  }

  /** What `thread` says from now on; to be called by that thread. */
  set(thread: ThreadId, index: number, value: number): void {
    storeNumber(this.#words, this.#at(thread, index), value);
  }

  /** Adds to what `thread` says; to be called by that thread. */
  add(thread: ThreadId, index: number, amount: number): void {
    const at = this.#at(thread, index);
    // Its own word: nobody else has changed it.
    storeNumber(this.#words, at, loadNumber(this.#words, at) + amount);
  }

  /** Like {@link set}, and makes this what {@link latest} tells. */
  setLatest(thread: ThreadId, index: number, value: number): void {
    this.set(thread, index, value);
    // Publishes the number before its thread.
    Atomics.store(this.#words, this.#latestAt + index * LINE, thread);
  }

  /** What `thread` says. */
  of(thread: ThreadId, index: number): number {
    return loadNumber(this.#words, this.#at(thread, index));
  }

  /** The sum of what all threads say. */
  sum(index: number): number {
    let sum = 0;
    for (let thread = 1; thread < MAX_THREADS; thread++) sum += this.of(thread as ThreadId, index);
    return sum;
  }

  /** What was set last with {@link setLatest}, whoever did; 0 when nobody did or the one who did was cleared. */
  latest(index: number): number {
    const thread = Atomics.load(this.#words, this.#latestAt + index * LINE);
    return thread === 0 ? 0 : this.of(thread as ThreadId, index);
  }

  /** Makes the dead `thread` say 0 everywhere; for its sweeper, which has returned what it held. */
  clear(thread: ThreadId): void {
    for (let index = 0; index < this.count; index++) {
      if (this.of(thread, index) !== 0) this.set(thread, index, 0);
    }
  }

  /** How often gauge `index` was written by each thread that ever did, modulo 2^32. */
  stats(index: number): { writes: Map<ThreadId, number> } {
    const writes = new Map<ThreadId, number>();
    for (let id = 1; id < MAX_THREADS; id++) {
      const thread = id as ThreadId;
      const count = versionOf(this.#words, this.#at(thread, index));
      if (count > 0) writes.set(thread, count);
    }
    return { writes };
  }

  #at(thread: ThreadId, index: number): number {
    return this.#stripesAt + thread * this.#stripeWords + index * GAUGE_WORDS;
  }
}

function stripeWords(count: number): number {
  return Math.ceil((count * GAUGE_WORDS) / LINE) * LINE;
}
