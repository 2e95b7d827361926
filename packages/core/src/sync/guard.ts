/**
 * The guard: a lock for which nobody ever waits.
 *
 *    7        6      0
 *   | called | holder |
 *
 * It guards decisions, such as who gets a permit next. Everything that decisions are made from stands
 * in records that each have one writer; so a thread that finds the guard taken does not wait. It
 * writes its record, calls the holder and leaves: the holder cannot let go while it is called, and
 * looks at all records again. A release can therefore never be held up, neither by a thread that was
 * descheduled with the guard nor by one that died with it, even when only the releasing thread could
 * find out about the death.
 *
 * What must hold: after `call()` has returned, a look at all records begins that sees what the caller
 * wrote before. Either the caller got the guard and looks itself; or the bit was set while somebody
 * held it, and who holds it clears the bit before it looks, and lets go only while it is clear; or
 * the holder is dead, and who takes over for it looks.
 *
 * Source: the idea is that of combining (Hendler, Incze, Shavit, Tzafrir: "Flat combining and the
 * synchronization-parallelism tradeoff", 2010): one thread works off what many have published.
 */
import type { ThreadId } from '../threads/registry.js';
import { relax } from './waiter.js';

const HOLDER = 0x7f;
const CALLED = 1 << 7;
/** How often to look for a free guard. It is held for less than a microsecond, if its holder runs. */
const TRIES = 32;

export class Guard {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  readonly #tries: number;

  constructor(words: Int32Array, at: number, thread: ThreadId, tries: number = TRIES) {
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
    this.#tries = tries;
  }

  /** Takes the guard; false when somebody else keeps it. */
  take(): boolean {
    for (let tried = 0; ; tried++) {
      // Acquires what the last holder decided.
      if (Atomics.compareExchange(this.#words, this.#at, 0, this.#thread) === 0) return true;
      if (tried >= this.#tries) return false;
      relax();
    }
  }

  /** Takes the guard, or tells its holder to look at all records once more: then false. */
  call(): boolean {
    if (this.take()) return true;
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if (word === 0) {
        if (Atomics.compareExchange(this.#words, this.#at, 0, this.#thread) === 0) return true;
      } else if (
        // Whoever has set it already did so for a look that has not begun.
        (word & CALLED) !== 0 ||
        Atomics.compareExchange(this.#words, this.#at, word, word | CALLED) === word
      ) {
        return false;
      }
    }
  }

  /** Holder: hears the calls so far. What their callers wrote is seen by what is read after this. */
  hear(): void {
    Atomics.and(this.#words, this.#at, ~CALLED);
  }

  /** Holder: lets go, unless it was called since it last listened: then false. */
  leave(): boolean {
    // Publishes what was decided to the next holder.
    return Atomics.compareExchange(this.#words, this.#at, this.#thread, 0) === this.#thread;
  }

  /** Takes the guard over from the dead `thread`; false when it did not hold it. */
  takeOver(thread: ThreadId): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, this.#at);
      if ((word & HOLDER) !== thread) return false;
      if (Atomics.compareExchange(this.#words, this.#at, word, this.#thread) === word) return true;
    }
  }

  get holder(): ThreadId | undefined {
    const holder = Atomics.load(this.#words, this.#at) & HOLDER;
    return holder === 0 ? undefined : (holder as ThreadId);
  }
}
