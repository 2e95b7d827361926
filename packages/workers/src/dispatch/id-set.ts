/**
 * A set of thread ids in the dispatch block: a bit for each, in as many words as SPAN says are in use.
 *
 * Every change is one atomic operation, so that of several threads which take an id out one knows that it was the one.
 */
import { SPAN } from './layout.js';

export class IdSet {
  readonly #words: Int32Array;
  readonly #at: number;

  /** @param at where its words begin, of which there are four */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#at = at;
  }

  add(id: number): void {
    Atomics.or(this.#words, this.#at + (id >>> 5), 1 << (id & 31));
  }

  delete(id: number): void {
    Atomics.and(this.#words, this.#at + (id >>> 5), ~(1 << (id & 31)));
  }

  has(id: number): boolean {
    return ((Atomics.load(this.#words, this.#at + (id >>> 5)) >>> (id & 31)) & 1) !== 0;
  }

  /** Takes an id out; false when it was not in, or another thread takes it. */
  take(id: number): boolean {
    if (!this.has(id)) return false;
    const bit = 1 << (id & 31);
    return (Atomics.and(this.#words, this.#at + (id >>> 5), ~bit) & bit) !== 0;
  }

  get isEmpty(): boolean {
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) if (Atomics.load(this.#words, this.#at + w) !== 0) return false;
    return true;
  }

  get size(): number {
    const span = Atomics.load(this.#words, SPAN);
    let size = 0;
    for (let w = 0; w < span; w++) {
      let bits = Atomics.load(this.#words, this.#at + w);
      for (; bits !== 0; bits &= bits - 1) size++;
    }
    return size;
  }

  /** All that are in, in their order; who comes or goes meanwhile may be among them or not. */
  ids(): number[] {
    const ids: number[] = [];
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) {
      let bits = Atomics.load(this.#words, this.#at + w);
      for (; bits !== 0; bits &= bits - 1) ids.push(w * 32 + 31 - Math.clz32(bits & -bits));
    }
    return ids;
  }
}

/** Makes room in all sets for `id`. */
export function reach(words: Int32Array, id: number): void {
  const span = (id >>> 5) + 1;
  for (;;) {
    const reached = Atomics.load(words, SPAN);
    if (reached >= span || Atomics.compareExchange(words, SPAN, reached, span) === reached) return;
  }
}
