/**
 * Once: runs a function in one thread, and lets all others wait until it is done.
 *
 *   word 0       8      2 1     0
 *                | runner | state |   NEW, RUNNING, DONE, ABANDONED
 *   words 4–7    who waits
 *
 * What must hold: one compare-and-exchange makes a thread the runner and names it. If it dies before
 * it is done, its reclaim makes the word ABANDONED: the next one runs the function, and is told. If
 * the function throws, the next one runs it too: nothing was done, or the function saw to it.
 */
import { LINE } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Crowd } from './crowd.js';
import { checkPlacement, checkThread, syncError } from './errors.js';
import type { LockOutcome } from './hold.js';
import { Patience, type WaitLimits } from './patience.js';
import { Waiter, type SyncOptions } from './waiter.js';

const CROWD = 4;
const NEW = 0;
const RUNNING = 1;
const DONE = 2;
const ABANDONED = 3;
const STATE_MASK = 3;
const ACTION = 'wait until it was run once';

/** How far it has come. */
export interface OnceStats {
  /** `abandoned` when the thread that ran it has died over it. */
  readonly state: 'new' | 'running' | 'done' | 'abandoned';
  /** Who runs it now. */
  readonly runner?: ThreadId;
  readonly waiting: ThreadId[];
}

/** Runs a function in one thread, and lets all others wait until it is done. */
export class Once {
  /** Words that it takes, zero at first: one line, which should start on a line. */
  static readonly WORDS = LINE;

  readonly #words: Int32Array;
  readonly #at: number;
  readonly #crowd: Crowd;
  readonly #running: number;

  /** @throws MillraceError `ERR_INVALID_ARG` when it does not fit at `at`, or `thread` is no thread id */
  constructor(words: Int32Array, at: number, thread: ThreadId, options: SyncOptions = {}) {
    checkPlacement('once', words, at, Once.WORDS, thread);
    this.#words = words;
    this.#at = at;
    this.#crowd = new Crowd(words, at, at + CROWD, thread, options.waiter ?? new Waiter());
    this.#running = (thread << 2) | RUNNING;
  }

  /** Whether it was done. */
  get done(): boolean {
    return Atomics.load(this.#words, this.#at) === DONE;
  }

  /**
   * Runs `action` unless it was done; while another thread runs it, blocks until that is done.
   *
   * @param action is told `abandoned` when a thread died while it ran it, and left it half done
   * @returns true when this call ran it
   * @throws what `action` throws; MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_CANNOT_BLOCK`;
   *   `ERR_DEADLOCK` when this thread is running it
   */
  run(action: (found: LockOutcome) => void, limits?: WaitLimits): boolean {
    if (this.done) return false;
    const patience = Patience.of(ACTION, limits);
    for (;;) {
      const found = this.#claim();
      if (found === 'done') return false;
      if (found !== 'running') {
        const finish = this.#finisher(found);
        try {
          action(found);
          finish(DONE);
        } finally {
          finish();
        }
        return true;
      }
      if (Atomics.load(this.#words, this.#at) === this.#running) {
        throw syncError('ERR_DEADLOCK', 'Cannot run it once as this thread is running it already');
      }
      const ending = this.#crowd.wait(isNotRunning, patience);
      if (ending !== undefined) throw patience.error(ending);
    }
  }

  /**
   * Like {@link run}, without blocking this thread; `action` may return a promise.
   *
   * @throws what `action` throws or rejects with; MillraceError `ERR_TIMEOUT`, `ERR_ABORTED`
   */
  async runAsync(
    action: (found: LockOutcome) => PromiseLike<void> | void,
    limits?: WaitLimits,
  ): Promise<boolean> {
    if (this.done) return false;
    const patience = Patience.of(ACTION, limits);
    for (;;) {
      const found = this.#claim();
      if (found === 'done') return false;
      if (found !== 'running') {
        const finish = this.#finisher(found);
        try {
          await action(found);
          finish(DONE);
        } finally {
          finish();
        }
        return true;
      }
      const ending = await this.#crowd.waitAsync(isNotRunning, patience);
      if (ending !== undefined) throw patience.error(ending);
    }
  }

  /**
   * Lets another thread run what the dead `thread` was running. May be called more than once.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `thread` is no thread id
   */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    const dead = (thread << 2) | RUNNING;
    Atomics.compareExchange(this.#words, this.#at, dead, ABANDONED);
    this.#crowd.reclaim(thread);
  }

  stats(): OnceStats {
    const word = Atomics.load(this.#words, this.#at);
    const state = (['new', 'running', 'done', 'abandoned'] as const)[word & STATE_MASK]!;
    const waiting = this.#crowd.waiting;
    return state === 'running'
      ? { state, runner: (word >>> 2) as ThreadId, waiting }
      : { state, waiting };
  }

  #claim(): LockOutcome | 'running' | 'done' {
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if (word === DONE) return 'done';
      if ((word & STATE_MASK) === RUNNING) return 'running';
      if (Atomics.compareExchange(this.#words, this.#at, word, this.#running) === word) {
        return word === NEW ? 'clean' : 'abandoned';
      }
    }
  }

  /** Ends this thread's run; called without a state, and not for the second time, it was in vain. */
  #finisher(found: LockOutcome): (state?: typeof DONE) => void {
    let finished = false;
    return (state) => {
      if (finished) return;
      finished = true;
      // Publishes what was done to all who waited for it.
      Atomics.store(this.#words, this.#at, state ?? (found === 'clean' ? NEW : ABANDONED));
      this.#crowd.call();
    };
  }
}

function isNotRunning(word: number): boolean {
  return (word & STATE_MASK) !== RUNNING;
}
