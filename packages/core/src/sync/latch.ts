/**
 * A latch: opens when it was counted down to zero, and stays open.
 *
 *   word 0      COUNT: how many are still to come
 *   words 4–7   who waits
 *
 * What must hold: the exchange that makes the count zero opens the latch; calling the crowd is all
 * that is left to do, and a sweeper makes up for it. Zero-filled memory is a latch that is open.
 *
 * A latch knows no parties. When a thread dies before it has counted down, whoever finds out may count
 * down in its place; where threads themselves are counted, take a {@link Barrier}.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Crowd } from './crowd.js';
import { checkInteger, checkPlacement, syncError } from './errors.js';
import { Patience, type WaitLimits } from './patience.js';
import { Waiter, type SyncOptions } from './waiter.js';

const CROWD = 4;
const MOST = 2 ** 31 - 1;
const ACTION = 'pass the latch';

/** What a latch waits for, and who waits for it. */
export interface LatchStats {
  /** How many are still to come. */
  readonly count: number;
  readonly waiting: ThreadId[];
}

/** Opens when it was counted down to zero, and stays open. */
export class Latch {
  /** Words that it takes: one line, which should start on a line. */
  static readonly WORDS = LINE;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #crowd: Crowd;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('latch', words, at, Latch.WORDS, thread);
    this.#words = words;
    this.#at = at;
    this.#crowd = new Crowd(words, at, at + CROWD, thread, options.waiter ?? new Waiter());
  }

  /**
   * Closes a latch of zero-filled words; once, before any thread uses it.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a count that is not an integer from 0 to 2^31 − 1
   */
  static init(words: Int32Array, at: number, count: number): void {
    checkInteger('make a latch with this count', count, 0, MOST);
    Atomics.store(words, at, count);
  }

  /**
   * Counts `by` down.
   *
   * @returns true when that opened the latch
   * @throws MillraceError `ERR_INVALID_ARG` when `by` is no positive integer, or more than is to come
   */
  countDown(by = 1): boolean {
    checkInteger('count a latch down by this', by, 1, MOST);
    for (;;) {
      const count = Atomics.load(this.#words, this.#at);
      if (by > count) {
        throw syncError(
          'ERR_INVALID_ARG',
          `Cannot count a latch down by ${by} as only ${count} are to come`,
        );
      }
      // Publishes what this thread has done to all who pass.
      if (Atomics.compareExchange(this.#words, this.#at, count, count - by) !== count) continue;
      if (count === by) this.#crowd.call();
      return count === by;
    }
  }

  /** Whether the latch is open. */
  tryWait(): boolean {
    return Atomics.load(this.#words, this.#at) === 0;
  }

  /**
   * Blocks this thread until the latch is open.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_CANNOT_BLOCK`
   */
  wait(limits?: WaitLimits): void {
    if (limits === undefined && this.tryWait()) return;
    const patience = Patience.of(ACTION, limits);
    if (this.tryWait()) return;
    const ending = this.#crowd.wait((count) => count === 0, patience);
    if (ending !== undefined) throw patience.error(ending);
  }

  /**
   * Resolves when the latch is open.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async waitAsync(limits?: WaitLimits): Promise<void> {
    const patience = Patience.of(ACTION, limits);
    const ending = await this.#crowd.waitAsync((count) => count === 0, patience);
    if (ending !== undefined) throw patience.error(ending);
  }

  /**
   * Forgets the dead `thread`, and makes up for a call that it may have owed.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    this.#crowd.reclaim(thread);
  }

  stats(): LatchStats {
    return { count: Atomics.load(this.#words, this.#at), waiting: this.#crowd.waiting };
  }
}
