/**
 * An event count: lets threads sleep until a condition on shared words holds, at the cost of one
 * load of a quiet word to those who make it hold.
 *
 *   31                     1   0
 *   |  times it was rung   | asleep |
 *
 * Sleeper: announce (set `asleep`), look at the condition once more, sleep while the word is as it
 * was. Waker: publish, then look at the word, and ring if `asleep` is set. All four steps are
 * sequentially consistent, so that either the sleeper sees what was published, or the waker sees the
 * sleeper. Ringing clears the bit and wakes everybody; whose condition still does not hold announces
 * itself again.
 *
 * A sleeper that dies leaves the bit set: that costs the next waker one notify, and nothing else. A
 * waker that dies may have cleared the bit and woken nobody: so whoever sweeps up after a thread, or
 * takes its place, rings with {@link EventCount.ringAnyway}.
 *
 * A waker that publishes in one word, by an exchange, need not look at this one: a sleeper that has announced itself
 * leaves a mark in that word, before it looks, and the exchange returns it. Whichever comes first on that word, the
 * mark or the exchange, the other sees.
 *
 * One word serves any number of sleepers and wakers: threads that block, by a {@link Waiter}, and tasks
 * that do not, by a {@link Doorbell}. Zero means nobody sleeps.
 *
 * Source: D. Vyukov's eventcount, as in Eigen and folly (`EventCount.h`).
 */

import { Doorbell } from './doorbell.js';
import { Patience, type WaitOptions, type WaitSyncOptions } from './patience.js';
import { Waiter, type SyncOptions } from './waiter.js';

const ASLEEP = 1;
const ONE_RING = 2;
const ACTION = 'wait for another thread';

/**
 * Lets threads sleep until a condition on shared words holds, at the cost of one load of a quiet word to
 * those who make it hold.
 *
 * ```ts
 * Atomics.store(words, NEWS, 1); // one thread
 * bell.ring();
 * bell.waitSync(() => Atomics.load(words, NEWS) === 1); // another
 * ```
 *
 * Source: D. Vyukov's eventcount, as in Eigen and folly.
 */
export class EventCount {
  /** Words that it takes, zero at first. */
  static readonly WORDS = 1;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #mark: number | undefined;
  readonly #waiter: Waiter;
  readonly #bell: Doorbell;

  /**
   * @param at which of `words` it takes; others may lie around it that are seldom written
   * @param mark which of `words` is published by an exchange: its lowest bit is set while somebody sleeps
   */
  constructor(words: Int32Array, at: number, options: SyncOptions = {}, mark?: number) {
    this.#words = words;
    this.#at = at;
    this.#mark = mark;
    this.#waiter = options.waiter ?? new Waiter();
    this.#bell = new Doorbell(words, at);
  }

  /** Wakes all who sleep; to be called after what they wait for was published by an atomic store. */
  ring(): void {
    const word = Atomics.load(this.#words, this.#at);
    if ((word & ASLEEP) === 0) return;
    // Lost only to another ring: whoever announced itself after that one looks after our publication.
    const rung = (word + ONE_RING) & ~ASLEEP;
    if (Atomics.compareExchange(this.#words, this.#at, word, rung) === word) {
      Atomics.notify(this.#words, this.#at);
    }
  }

  /** Wakes all who sleep, whether they can be seen or not: on behalf of a waker that died. */
  ringAnyway(): void {
    Atomics.add(this.#words, this.#at, ONE_RING);
    Atomics.notify(this.#words, this.#at);
  }

  /**
   * Blocks this thread until `ready` returns true: spins for a while, then sleeps.
   *
   * @returns false when the time was up first
   * @throws MillraceError `ERR_INVALID_ARG` for a timeout that is none; `ERR_CANNOT_BLOCK` when it would
   *   have to sleep on a thread that may not block
   */
  waitSync(ready: () => boolean, options?: WaitSyncOptions): boolean {
    const patience = Patience.of(ACTION, options);
    if (ready() || this.#waiter.spin(ready)) return true;
    this.#waiter.requireBlocking(this.#words, this.#at);
    for (;;) {
      const seen = this.#announce();
      if (ready()) return true;
      if (!this.#waiter.park(this.#words, this.#at, seen, patience)) return ready();
    }
  }

  /**
   * Resolves to true once `ready` returns true, or to false when the time was up first.
   *
   * @throws MillraceError `ERR_INVALID_ARG` for a timeout that is none; `ERR_ABORTED` when the signal
   *   was aborted first
   */
  async wait(ready: () => boolean, options?: WaitOptions): Promise<boolean> {
    const patience = Patience.of(ACTION, options);
    for (;;) {
      if (ready()) return true;
      const seen = this.#announce();
      if (ready()) return true;
      const outcome = await this.#bell.wait(seen, patience);
      if (outcome === 'aborted') throw patience.error(outcome);
      if (outcome === 'timed out') return ready();
    }
  }

  /** @returns the word that a sleep must find unchanged */
  #announce(): number {
    const seen = Atomics.or(this.#words, this.#at, ASLEEP) | ASLEEP;
    // After that: who sees the mark must find somebody asleep.
    if (this.#mark !== undefined) Atomics.or(this.#words, this.#mark, ASLEEP);
    return seen;
  }
}
