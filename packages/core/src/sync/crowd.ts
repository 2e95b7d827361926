/**
 * A crowd: threads and tasks that all wait for one word to become what they want it to be.
 *
 *   words 0–3   who waits: a {@link ThreadSet}
 *
 * Whoever changes the word calls the crowd, all of it. With nobody there that costs four loads. No
 * call is lost: a waiter joins the set and then looks at the word, a caller changes the word and then
 * looks at the set, and all four steps are sequentially consistent.
 */
import type { ThreadId } from '../threads/registry.js';
import { Doorbell } from './doorbell.js';
import { checkThread } from './errors.js';
import type { Ending, Patience } from './patience.js';
import { ThreadSet } from './thread-set.js';
import type { Waiter } from './waiter.js';

export class Crowd {
  readonly #words: Int32Array;
  /** The word that is waited for. */
  readonly #wordAt: number;
  readonly #thread: ThreadId;
  readonly #waiter: Waiter;
  readonly #waiting: ThreadSet;
  readonly #bell: Doorbell;
  /** Waits of this thread, its tasks included. */
  #here = 0;

  constructor(words: Int32Array, wordAt: number, at: number, thread: ThreadId, waiter: Waiter) {
    this.#words = words;
    this.#wordAt = wordAt;
    this.#thread = thread;
    this.#waiter = waiter;
    this.#waiting = new ThreadSet(words, at);
    this.#bell = new Doorbell(words, wordAt);
  }

  /** Blocks this thread until `done` accepts the word; it is called with every value that is seen. */
  wait(done: (word: number) => boolean, patience: Patience): Ending | undefined {
    const words = this.#words;
    if (this.#waiter.spin(() => done(Atomics.load(words, this.#wordAt)))) return undefined;
    this.#waiter.requireBlocking(words, this.#wordAt);
    this.#join();
    try {
      for (;;) {
        const word = Atomics.load(words, this.#wordAt);
        if (done(word)) return undefined;
        if (!this.#waiter.park(words, this.#wordAt, word, patience)) return 'timed out';
      }
    } finally {
      this.#part();
    }
  }

  /** Waits, without blocking this thread, until `done` accepts the word. */
  async waitAsync(
    done: (word: number) => boolean,
    patience: Patience,
  ): Promise<Ending | undefined> {
    this.#join();
    try {
      for (;;) {
        const word = Atomics.load(this.#words, this.#wordAt);
        if (done(word)) return undefined;
        const rung = await this.#bell.wait(word, patience);
        if (rung !== 'rung') return rung;
      }
    } finally {
      this.#part();
    }
  }

  /** Wakes all who wait, after the word was changed. */
  call(): void {
    if (!this.#waiting.empty) Atomics.notify(this.#words, this.#wordAt);
  }

  /** Takes the dead `thread` out, and makes up for a call that it may have owed. */
  reclaim(thread: ThreadId): void {
    checkThread('give back what a dead thread held', thread);
    this.#waiting.delete(thread);
    Atomics.notify(this.#words, this.#wordAt);
  }

  get waiting(): ThreadId[] {
    return this.#waiting.toArray();
  }

  #join(): void {
    if (this.#here++ === 0) this.#waiting.add(this.#thread);
  }

  #part(): void {
    if (--this.#here === 0) this.#waiting.delete(this.#thread);
  }
}
