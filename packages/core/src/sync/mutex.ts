/**
 * A mutex that survives its holder.
 *
 *   word 0       31        10    9          8          7        6        0
 *                |  unused  | abandoned | listeners | sleepers |  holder  |
 *   word 1       BELL: counts the calls to listeners
 *   words 4–7    the threads that sleep
 *   words 8–11   the threads whose tasks listen, without blocking their thread
 *
 * What must hold:
 * - One compare-and-exchange takes the lock and names its holder. A thread that dies with the lock is
 *   found in it, and whoever takes the lock next is told: `abandoned`.
 * - Nobody parks on a word that lacks its bit (sleepers, listeners), and whoever gives the lock back
 *   calls those whose bit stood in the word: one sleeper, all listeners. Who was called and loses the
 *   race sets the bit again before it parks, or gives up; a sleeper who wins sets it too, since others
 *   may sleep behind it. So no wake-up is lost, and none is swallowed by a task that gave up.
 * - A thread that dies may have owed a wake-up, or taken one with it. Its reclaim calls once more.
 *
 * It is not fair: a running thread may overtake one that is being woken, which is what makes it fast.
 * Who needs first come, first served takes a {@link Semaphore} of 1.
 *
 * Sources: the three-state lock of U. Drepper, "Futexes are tricky", 2011 (`mutex2`), with the holder
 * in the word as in Linux's robust futexes.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Doorbell } from './doorbell.js';
import { checkPlacement, checkThread, syncError } from './errors.js';
import { Hold, type LockOutcome } from './hold.js';
import { Patience, type Ending, type WaitLimits } from './patience.js';
import { TaskQueue } from './queue.js';
import { ThreadSet } from './thread-set.js';
import { Waiter, type SyncOptions } from './waiter.js';

const BELL = 1;
const SLEEPING = 4;
const LISTENING = 8;

const HOLDER = 0x7f;
const SLEEPERS = 1 << 7;
const LISTENERS = 1 << 8;
const ABANDONED = 1 << 9;

const ACTION = 'lock the mutex';

/** Who has a mutex, and who wants it. */
export interface MutexStats {
  readonly holder: ThreadId | undefined;
  /** The holder before this one died, or, while nobody holds it, the last one did. */
  readonly abandoned: boolean;
  /** Threads that sleep until they get the lock. */
  readonly sleeping: ThreadId[];
  /** Threads with tasks that wait for the lock. */
  readonly listening: ThreadId[];
}

/**
 * One thread at a time. It is not fair, so it is fast; it survives its holder, and tells the next one.
 *
 * Sources: U. Drepper, "Futexes are tricky", 2011; Linux's robust futexes.
 */
export class Mutex {
  /** Words that it takes, zero at first: one line, which should start on a line. */
  static readonly WORDS = LINE;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #waiter: Waiter;
  readonly #sleeping: ThreadSet;
  readonly #listening: ThreadSet;
  readonly #bell: Doorbell;
  /** This thread's tasks that want the lock, but for the one that contends for it. */
  readonly #queue = new TaskQueue<'lock', 'turn'>();
  #contending = false;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('mutex', words, at, Mutex.WORDS, thread);
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#waiter = options.waiter ?? new Waiter();
    this.#sleeping = new ThreadSet(words, at + SLEEPING);
    this.#listening = new ThreadSet(words, at + LISTENING);
    this.#bell = new Doorbell(words, at + BELL);
  }

  /** Takes the lock if nobody holds it; else returns undefined. */
  tryLock(): LockOutcome | undefined {
    return this.#take(0);
  }

  /**
   * Takes the lock; blocks this thread until it can be had.
   *
   * @returns `abandoned` when the thread that held it before died with it: what the lock guards may
   *   be half done, and is to be repaired before {@link unlock}
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`; `ERR_DEADLOCK` when this thread holds it;
   *   `ERR_CANNOT_BLOCK` when it would have to wait on a thread that may not block
   */
  lock(limits?: WaitLimits): LockOutcome {
    // Acquires what the last holder wrote before it gave the lock back.
    if (
      limits === undefined &&
      Atomics.compareExchange(this.#words, this.#at, 0, this.#thread) === 0
    ) {
      return 'clean';
    }
    return this.#lockSlowly(Patience.of(ACTION, limits));
  }

  /**
   * Takes the lock once it can be had; this thread's tasks get it in the order in which they came.
   * The lock belongs to the thread: sync code of the same thread that wants it meanwhile is refused.
   *
   * @returns as {@link lock}
   * @throws MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async lockAsync(limits?: WaitLimits): Promise<LockOutcome> {
    const patience = Patience.of(ACTION, limits);
    if (!this.#contending) {
      const outcome = this.#take(0);
      if (outcome !== undefined) return outcome;
      this.#contending = true;
      this.#listening.add(this.#thread);
    } else {
      const turn = await this.#queue.join('lock', patience);
      if (turn !== 'turn') throw patience.error(turn);
    }
    try {
      return await this.#contend(patience);
    } finally {
      // The next task contends now, and looks before it waits: what this one was called for is not lost.
      if (!this.#queue.call('turn')) {
        this.#contending = false;
        this.#listening.delete(this.#thread);
      }
    }
  }

  /**
   * Gives the lock back.
   *
   * @throws MillraceError `ERR_NOT_HELD` when this thread does not hold it
   */
  unlock(): void {
    const words = this.#words;
    // Publishes what was written under the lock to whoever takes it next.
    if (Atomics.compareExchange(words, this.#at, this.#thread, 0) === this.#thread) return;
    for (;;) {
      const word = Atomics.load(words, this.#at);
      if ((word & HOLDER) !== this.#thread) throw this.#notHeld(word);
      // Bits may be added to it meanwhile, until the exchange succeeds.
      if (Atomics.compareExchange(words, this.#at, word, 0) === word) {
        if ((word & LISTENERS) !== 0) this.#callListeners();
        if ((word & SLEEPERS) !== 0) Atomics.notify(words, this.#at, 1);
        return;
      }
    }
  }

  /** Like {@link lock}, for `using`. */
  hold(limits?: WaitLimits): Hold {
    return new Hold(this.lock(limits), () => this.unlock());
  }

  /** Like {@link lockAsync}, for `using`. */
  async holdAsync(limits?: WaitLimits): Promise<Hold> {
    return new Hold(await this.lockAsync(limits), () => this.unlock());
  }

  /** Whether this thread holds the lock. */
  get held(): boolean {
    return (Atomics.load(this.#words, this.#at) & HOLDER) === this.#thread;
  }

  /** Whether the lock was taken over from a dead thread, or lies where a dead one left it. */
  get abandoned(): boolean {
    return (Atomics.load(this.#words, this.#at) & ABANDONED) !== 0;
  }

  /**
   * Gives back what the dead `thread` held. It must be dead for certain, and its id must not be given
   * out again before this returns. May be called more than once, and by several.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    const words = this.#words;
    this.#sleeping.delete(thread);
    this.#listening.delete(thread);
    for (;;) {
      const word = Atomics.load(words, this.#at);
      if ((word & HOLDER) !== thread) break;
      const freed = (word & ~HOLDER) | ABANDONED;
      if (Atomics.compareExchange(words, this.#at, word, freed) === word) break;
    }
    // In any case: the dead may have died between giving the lock back and calling, or when called.
    this.#callListeners();
    Atomics.notify(words, this.#at, 1);
  }

  stats(): MutexStats {
    const word = Atomics.load(this.#words, this.#at);
    const holder = word & HOLDER;
    return {
      holder: holder === 0 ? undefined : (holder as ThreadId),
      abandoned: (word & ABANDONED) !== 0,
      sleeping: this.#sleeping.toArray(),
      listening: this.#listening.toArray(),
    };
  }

  #take(bits: number): LockOutcome | undefined {
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if ((word & HOLDER) !== 0) return undefined;
      const taken = word | this.#thread | bits;
      if (Atomics.compareExchange(this.#words, this.#at, word, taken) === word) {
        return (word & ABANDONED) === 0 ? 'clean' : 'abandoned';
      }
    }
  }

  /** Sets `bit` in the word of a lock that is held, and returns that word; 0 when the lock came free. */
  #announce(bit: number): number {
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if ((word & HOLDER) === 0) return 0;
      if ((word & bit) !== 0) return word;
      if (Atomics.compareExchange(this.#words, this.#at, word, word | bit) === word) {
        return word | bit;
      }
    }
  }

  #lockSlowly(patience: Patience): LockOutcome {
    let outcome = this.#take(0);
    if (outcome !== undefined) return outcome;
    if (this.held) {
      throw syncError(
        'ERR_DEADLOCK',
        `Cannot ${ACTION} as this thread holds it already: thread ${this.#thread} would wait for itself`,
      );
    }
    if (this.#waiter.spin(() => (outcome = this.#take(0)) !== undefined)) return outcome!;
    this.#waiter.requireBlocking(this.#words, this.#at);
    this.#sleeping.add(this.#thread);
    try {
      for (;;) {
        outcome = this.#take(SLEEPERS);
        if (outcome !== undefined) return outcome;
        const word = this.#announce(SLEEPERS);
        if (word === 0) continue;
        if (!this.#waiter.park(this.#words, this.#at, word, patience)) {
          throw patience.error('timed out');
        }
      }
    } finally {
      this.#sleeping.delete(this.#thread);
    }
  }

  async #contend(patience: Patience): Promise<LockOutcome> {
    let ending: 'rung' | Ending = 'rung';
    for (;;) {
      const bell = Atomics.load(this.#words, this.#at + BELL);
      const outcome = ending === 'aborted' ? undefined : this.#take(0);
      if (outcome !== undefined) return outcome;
      if (ending !== 'rung') throw patience.error(ending);
      if (this.#announce(LISTENERS) === 0) continue;
      ending = await this.#bell.wait(bell, patience);
    }
  }

  #callListeners(): void {
    // The bell changes before it rings: who read it before the lock came free does not go to sleep.
    Atomics.add(this.#words, this.#at + BELL, 1);
    Atomics.notify(this.#words, this.#at + BELL);
  }

  #notHeld(word: number): Error {
    const holder = word & HOLDER;
    return syncError(
      'ERR_NOT_HELD',
      `Cannot unlock the mutex as thread ${this.#thread} does not hold it: ` +
        (holder === 0 ? 'nobody does' : `thread ${holder} does`),
    );
  }
}
