/**
 * A magazine: one thread's own small stock of free slots of one pool.
 *
 *   line 0   COUNT
 *   line 1   up to 32 slot references, the newest last
 *   line 2   the control word that each had when it was put in
 *
 * It lies in shared memory so that all a thread holds can be seen from outside, but only its owner
 * touches it, with plain loads and stores. It is an index of slots that were CACHED by this thread
 * and never the truth: another thread may have taken such a slot by its word, and after a death the
 * sweeper goes by the slots' words and empties the magazine. An entry stands for a slot with the very
 * word that is kept beside it: the slot may be CACHED by the same thread again, in a slab that serves
 * another pool by now.
 *
 * Source: J. Bonwick, J. Adams, "Magazines and Vmem", USENIX 2001.
 */
import {
  MAGAZINE_CACHED,
  MAGAZINE_ENTRIES,
  MAGAZINE_WORDS,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { CLASS_COUNT, POOL_COUNT, SIZE_CLASSES, classOfPool } from '../memory/size-classes.js';
import type { ThreadId } from '../threads/registry.js';

const COUNT = 0;
export const MOST_ENTRIES = 32;
/** So many bytes of one class may lie idle with one thread; larger slots go straight to the free list. */
const MOST_BYTES = 1024 * 1024;

export class Magazine {
  readonly #words: Int32Array;
  /** Where its count lies. */
  readonly at: number;
  /** How many slots it holds at most: 32, fewer for large classes, and none from 1 MiB on. */
  readonly capacity: number;

  constructor(words: Int32Array, layout: ControlLayout, thread: ThreadId, pool: number) {
    this.#words = words;
    this.at = magazineAt(layout, thread, pool);
    const fit = Math.floor(MOST_BYTES / SIZE_CLASSES[classOfPool(pool)]!);
    // What a critical acquire leaves behind is for the next one, on whatever thread.
    this.capacity = fit > 1 && pool < CLASS_COUNT ? Math.min(MOST_ENTRIES, fit) : 0;
  }

  get count(): number {
    return this.#words[this.at + COUNT]!;
  }

  /** Puts in a slot, whose word is `cached`; false when full. */
  push(ref: SlotRef, cached: number): boolean {
    const count = this.#words[this.at]!;
    if (count === this.capacity) return false;
    this.#words[this.at + MAGAZINE_ENTRIES + count] = ref;
    this.#words[this.at + MAGAZINE_CACHED + count] = cached;
    this.#words[this.at] = count + 1;
    return true;
  }

  /** Takes out the older half, one at least, handing each to `give`; what was used last stays warm. */
  shed(give: (ref: SlotRef, cached: number) => void): void {
    const words = this.#words;
    const entries = this.at + MAGAZINE_ENTRIES;
    const cached = this.at + MAGAZINE_CACHED;
    const count = this.count;
    const leaving = Math.ceil(count / 2);
    for (let i = 0; i < leaving; i++) give(words[entries + i] as SlotRef, words[cached + i]!);
    words.copyWithin(entries, entries + leaving, entries + count);
    words.copyWithin(cached, cached + leaving, cached + count);
    words[this.at] = count - leaving;
  }

  /** Forgets its entries: for the sweeper, which goes by the slots' words. */
  clear(): void {
    this.#words[this.at] = 0;
  }
}

/** Where the magazine of `thread` and `pool` lies. */
export function magazineAt(layout: ControlLayout, thread: number, pool: number): number {
  return layout.magazinesAt + (thread * POOL_COUNT + pool) * MAGAZINE_WORDS;
}
