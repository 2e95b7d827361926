/**
 * A span: one shared word with the highest thread id that has ever used a structure. It bounds every
 * scan over threads, so that eight threads cost eight looks and not 127.
 *
 * What must hold: a thread counts itself in before it does what others must find by scanning. Then a
 * scan that begins after the deed sees a span that covers its doer.
 */
import type { ThreadId } from '../threads/registry.js';

export class Span {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #thread: ThreadId;
  #counted = false;

  constructor(words: Int32Array, at: number, thread: ThreadId) {
    this.#words = words;
    this.#at = at;
    this.#thread = thread;
  }

  get highest(): number {
    return Atomics.load(this.#words, this.#at);
  }

  countIn(): void {
    if (this.#counted) return;
    for (let highest = this.highest; highest < this.#thread; highest = this.highest) {
      Atomics.compareExchange(this.#words, this.#at, highest, this.#thread);
    }
    this.#counted = true;
  }
}
