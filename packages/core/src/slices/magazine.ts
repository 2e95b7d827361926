/**
 * A magazine: one thread's own small stock of free slots of one class.
 *
 *   line 0   COUNT
 *   line 1   up to 32 slot references, the newest last
 *
 * It lies in shared memory so that all a thread holds can be seen from outside, but only its owner
 * touches it, with plain loads and stores. It is an index of slots that are CACHED by this thread
 * and never the truth: after a death the sweeper goes by the slots' own words and empties it.
 *
 * Source: J. Bonwick, J. Adams, "Magazines and Vmem", USENIX 2001.
 */
import {
  LINE,
  MAGAZINE_WORDS,
  SLAB_BYTES,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { CLASS_COUNT, SIZE_CLASSES } from '../memory/size-classes.js';
import type { ThreadId } from '../threads/registry.js';

const COUNT = 0;
const ENTRIES = LINE;
const MOST_ENTRIES = 32;

export class Magazine {
  readonly #words: Int32Array;
  readonly #at: number;
  /** How many slots it holds at most: 32, fewer for large classes so that one thread hoards at most half a slab. */
  readonly capacity: number;

  constructor(words: Int32Array, layout: ControlLayout, thread: ThreadId, sizeClass: number) {
    this.#words = words;
    this.#at = layout.magazinesAt + (thread * CLASS_COUNT + sizeClass) * MAGAZINE_WORDS;
    this.capacity = Math.max(1, Math.min(MOST_ENTRIES, SLAB_BYTES / SIZE_CLASSES[sizeClass]! / 2));
  }

  get count(): number {
    return this.#words[this.#at + COUNT]!;
  }

  /** Takes the newest slot, or `undefined` when empty. */
  pop(): SlotRef | undefined {
    const count = this.#words[this.#at]! - 1;
    if (count < 0) return undefined;
    this.#words[this.#at] = count;
    return this.#words[this.#at + ENTRIES + count] as SlotRef;
  }

  /** Puts a slot in; false when full. */
  push(ref: SlotRef): boolean {
    const count = this.#words[this.#at]!;
    if (count === this.capacity) return false;
    this.#words[this.#at + ENTRIES + count] = ref;
    this.#words[this.#at] = count + 1;
    return true;
  }

  /** Takes out the older half, one at least, handing each to `give`; what was used last stays warm. */
  shed(give: (ref: SlotRef) => void): void {
    const words = this.#words;
    const entries = this.#at + ENTRIES;
    const count = this.count;
    const leaving = Math.ceil(count / 2);
    for (let i = 0; i < leaving; i++) give(words[entries + i] as SlotRef);
    words.copyWithin(entries, entries + leaving, entries + count);
    words[this.#at] = count - leaving;
  }

  /** Forgets its entries: for the sweeper, which goes by the slots' words. */
  clear(): void {
    this.#words[this.#at] = 0;
  }
}
