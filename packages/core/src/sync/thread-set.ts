/**
 * A set of threads in four shared words: bit `thread & 31` of word `thread >>> 5`.
 *
 * Each thread sets and clears its own bit. That is all that a structure needs to know who waits, and
 * a sweeper can take a dead thread out.
 */
import type { ThreadId } from '../threads/registry.js';

/** Words of a {@link ThreadSet}: room for ids up to 127. */
const THREAD_SET_WORDS = 4;

export class ThreadSet {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  add(thread: ThreadId): void {
    Atomics.or(this.#words, this.#at + (thread >>> 5), 1 << (thread & 31));
  }

  delete(thread: ThreadId): void {
    Atomics.and(this.#words, this.#at + (thread >>> 5), ~(1 << (thread & 31)));
  }

  get empty(): boolean {
    for (let w = 0; w < THREAD_SET_WORDS; w++) {
      if (Atomics.load(this.#words, this.#at + w) !== 0) return false;
    }
    return true;
  }

  toArray(): ThreadId[] {
    const threads: ThreadId[] = [];
    for (let w = 0; w < THREAD_SET_WORDS; w++) {
      let bits = Atomics.load(this.#words, this.#at + w);
      for (; bits !== 0; bits &= bits - 1) {
        threads.push((w * 32 + 31 - Math.clz32(bits & -bits)) as ThreadId);
      }
    }
    return threads;
  }
}
