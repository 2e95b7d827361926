/**
 * An event that stays set until it is reset: all who wait pass, and so do all who come later.
 *
 *   word 0       31                     1   0
 *                |  times it was set     | set |
 *   words 4–7    who waits
 *
 * The count lets a waiter see that the event was set even when it was reset before the waiter got to
 * look: whoever waited when it was set passes, always. Nobody owns an event, so a death leaves nothing
 * behind but perhaps a call that was owed. Zero-filled memory is an event that is not set.
 *
 * To wake exactly one, take a {@link Semaphore} or a {@link Condition}.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Crowd } from './crowd.js';
import { checkPlacement } from './errors.js';
import { Patience, type WaitLimits } from './patience.js';
import { Waiter, type SyncOptions } from './waiter.js';

const CROWD = 4;
const SET = 1;
const ONCE_MORE = 2;
const ACTION = 'see the event';

/** Whether an event is set, and who waits for it. */
export interface ManualResetEventStats {
  readonly set: boolean;
  /** How often it was set, modulo 2^31. */
  readonly timesSet: number;
  readonly waiting: ThreadId[];
}

/** Stays set until it is reset: all who wait pass, and so do all who come later. */
export class ManualResetEvent {
  /** Words that it takes, zero at first: one line, which should start on a line. */
  static readonly WORDS = LINE;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #crowd: Crowd;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('manual-reset event', words, at, ManualResetEvent.WORDS, thread);
    this.#words = words;
    this.#at = at;
    this.#crowd = new Crowd(words, at, at + CROWD, thread, options.waiter ?? new Waiter());
  }

  /** Sets the event; false when it was set already. */
  set(): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if ((word & SET) !== 0) return false;
      const set = (word + ONCE_MORE) | SET;
      // Publishes what this thread has done to all who pass.
      if (Atomics.compareExchange(this.#words, this.#at, word, set) !== word) continue;
      this.#crowd.call();
      return true;
    }
  }

  /** Resets the event; false when it was not set. */
  reset(): boolean {
    return (Atomics.and(this.#words, this.#at, ~SET) & SET) !== 0;
  }

  /** Whether the event is set. */
  tryWait(): boolean {
    return (Atomics.load(this.#words, this.#at) & SET) !== 0;
  }

  /**
   * Blocks this thread until the event is set, or was set since the call.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_CANNOT_BLOCK`
   */
  wait(limits?: WaitLimits): void {
    const first = Atomics.load(this.#words, this.#at);
    if (limits === undefined && (first & SET) !== 0) return;
    const patience = Patience.of(ACTION, limits);
    if ((first & SET) !== 0) return;
    const ending = this.#crowd.wait(wasSetSince(first), patience);
    if (ending !== undefined) throw patience.error(ending);
  }

  /**
   * Resolves when the event is set, or was set since the call.
   *
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async waitAsync(limits?: WaitLimits): Promise<void> {
    const patience = Patience.of(ACTION, limits);
    const first = Atomics.load(this.#words, this.#at);
    if ((first & SET) !== 0) return;
    const ending = await this.#crowd.waitAsync(wasSetSince(first), patience);
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

  stats(): ManualResetEventStats {
    const word = Atomics.load(this.#words, this.#at);
    return { set: (word & SET) !== 0, timesSet: word >>> 1, waiting: this.#crowd.waiting };
  }
}

/** For a word that was not set: while it stays so, its count stays too. */
function wasSetSince(first: number): (word: number) => boolean {
  return (word) => word !== first;
}
