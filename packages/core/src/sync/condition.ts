/**
 * A condition: threads that hold a mutex let go of it and wait until another says that things changed.
 *
 *   all of it    the wait line
 *
 * What must hold:
 * - A waiter stands in line before it lets go of the mutex. So whoever changes things under the mutex
 *   afterwards, and notifies, finds it there.
 * - A notification goes to the one who waits longest, and to nobody else. It races for one
 *   compare-and-exchange with a waiter that gives up: it is either delivered or goes to the next one.
 * - When a thread dies, all who wait are woken to look for themselves: the dead may have taken a
 *   notification with it, or have changed things and not told. That is the only spurious wake-up,
 *   and why a wait belongs in a loop; {@link Condition.waitFor} is that loop.
 *
 * Source: monitors as in B. Lampson, D. Redell, "Experience with processes and monitors in Mesa", 1980.
 */
import { MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { checkPlacement, checkThread, syncError } from './errors.js';
import type { LockOutcome } from './hold.js';
import type { Mutex } from './mutex.js';
import { Patience, type WaitLimits } from './patience.js';
import { waitLineWords } from './permit-words.js';
import { TASK_PLACES, WaitLine } from './wait-line.js';
import { Waiter, type SyncOptions } from './waiter.js';

const ACTION = 'wait for the condition';

/** Who waits for a condition. */
export interface ConditionStats {
  /** Who waits, longest first: a thread for each of its tasks. */
  readonly waiting: ThreadId[];
}

/**
 * Threads that hold a {@link Mutex} let go of it and wait until another says that things changed.
 *
 * Source: B. Lampson, D. Redell, "Experience with processes and monitors in Mesa", 1980.
 */
export class Condition {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #waiter: Waiter;
  readonly #line: WaitLine;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('condition', words, at, Condition.words(thread), thread);
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#waiter = options.waiter ?? new Waiter();
    this.#line = new WaitLine(words, at, thread);
  }

  /** Words that it takes for threads with ids up to `maxThread`, zero at first; it should start on a line. */
  static words(maxThread: number = MAX_THREADS - 1): number {
    return waitLineWords(maxThread);
  }

  /**
   * Lets go of `mutex`, blocks this thread until it is notified, and takes the mutex again. It may
   * also return after the death of another thread: look whether what you wait for is there.
   *
   * @returns how the mutex was found: see {@link Mutex.lock}
   * @throws MillraceError `ERR_NOT_HELD` when this thread does not hold the mutex; `ERR_CANNOT_BLOCK`;
   *   `ERR_TIMEOUT`, `ERR_ABORTED`: the mutex is held again then, too
   */
  wait(mutex: Mutex, limits?: WaitLimits): LockOutcome {
    const patience = this.#begin(mutex, limits);
    this.#waiter.requireBlocking(this.#words, this.#at);
    const stay = this.#line.enter(0, true);
    if (stay === undefined) throw this.#full(1);
    mutex.unlock();
    const ending = this.#line.wait(stay, patience, this.#waiter);
    const notified = ending === undefined || !this.#line.leave(stay);
    const outcome = mutex.lock();
    this.#line.clear(stay.place);
    if (!notified) throw patience.error(ending);
    return outcome;
  }

  /**
   * Like {@link wait}, without blocking this thread. Six tasks of a thread can wait at a time.
   *
   * @throws MillraceError as {@link wait}; `ERR_TOO_MANY_WAITERS` for the seventh
   */
  async waitAsync(mutex: Mutex, limits?: WaitLimits): Promise<LockOutcome> {
    const patience = this.#begin(mutex, limits);
    const stay = this.#line.enter(0, false);
    if (stay === undefined) throw this.#full(TASK_PLACES);
    mutex.unlock();
    const ending = await this.#line.waitAsync(stay, patience);
    const notified = ending === undefined || !this.#line.leave(stay);
    const outcome = await mutex.lockAsync();
    this.#line.clear(stay.place);
    if (ending === undefined || (notified && ending === 'timed out')) return outcome;
    // The notification came to a task that is no longer interested.
    if (notified) this.notifyOne();
    throw patience.error(ending);
  }

  /**
   * Waits until `holds` returns true; it is called with the mutex held.
   *
   * @returns `abandoned` when the mutex was found abandoned at the last wake-up
   * @throws as {@link wait}
   */
  waitFor(mutex: Mutex, holds: () => boolean, limits?: WaitLimits): LockOutcome {
    const patience = Patience.of(ACTION, limits);
    let outcome: LockOutcome = 'clean';
    while (!holds()) outcome = this.wait(mutex, patience);
    return outcome;
  }

  /**
   * Like {@link waitFor}, without blocking this thread.
   *
   * @throws as {@link waitAsync}
   */
  async waitForAsync(
    mutex: Mutex,
    holds: () => boolean,
    limits?: WaitLimits,
  ): Promise<LockOutcome> {
    const patience = Patience.of(ACTION, limits);
    let outcome: LockOutcome = 'clean';
    while (!holds()) outcome = await this.waitAsync(mutex, patience);
    return outcome;
  }

  /** Wakes the one who has waited longest; false when nobody waits. Call it with the mutex held. */
  notifyOne(): boolean {
    for (const stay of this.#line.inOrder()) {
      if (!this.#line.answer(stay)) continue;
      this.#line.call(stay.place);
      return true;
    }
    return false;
  }

  /** Wakes all who wait, and returns how many. Call it with the mutex held. */
  notifyAll(): number {
    let notified = 0;
    for (const stay of this.#line.inOrder()) {
      if (!this.#line.answer(stay)) continue;
      this.#line.call(stay.place);
      notified++;
    }
    return notified;
  }

  /**
   * Takes the dead `thread` out of the line, and wakes all others. The mutex has a reclaim of its own.
   * The id must not be given out again before this returns. May be called more than once.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    if (thread <= this.#line.span) {
      this.#line.evict(thread);
      for (;;) {
        const place = this.#line.answered(thread);
        if (place === undefined) break;
        this.#line.clear(place);
      }
    }
    this.notifyAll();
    this.#line.callAll();
  }

  /** Who waits, longest first. */
  stats(): ConditionStats {
    return { waiting: this.#line.inOrder().map(({ place }) => this.#line.ownerOf(place)) };
  }

  #begin(mutex: Mutex, limits: WaitLimits | undefined): Patience {
    const patience = Patience.of(ACTION, limits);
    if (!mutex.held) {
      throw syncError(
        'ERR_NOT_HELD',
        `Cannot ${ACTION} as thread ${this.#thread} does not hold the mutex`,
      );
    }
    this.#line.countIn();
    return patience;
  }

  #full(places: number): Error {
    return syncError(
      'ERR_TOO_MANY_WAITERS',
      `Cannot ${ACTION} as thread ${this.#thread} has waits at all of its places: there are ${places}`,
    );
  }
}
