/**
 * The free list of one size class: the bitmaps of its slabs.
 *
 * A bit says "this slot may be FREE"; the slot's control word says whether it is. That makes every
 * step safe to die after:
 *
 * - take: one atomic step clears the wanted bits of a word, then each slot is claimed FREE → CACHED
 *   by its own compare-and-exchange, holder included. A thread that dies in between leaves slots FREE with
 *   their bits clear; the sweeper, which reads every word anyway, sets those bits again.
 * - give: the slot becomes FREE first and its bit is set after. A thread that dies in between leaves
 *   the same picture.
 * - a bit that is set though its slot is taken costs the taker one lost exchange and is dropped.
 *
 * No slot is lost: after the last time a slot became FREE its bit was set, and whoever cleared that
 * bit since then tried to claim the slot. There is no list head, so there is no ABA.
 */
import {
  LINE,
  SLAB_BITMAP,
  SLAB_BYTES,
  SLAB_CLASS,
  SLAB_WORDS,
  SLOTS_PER_SLAB,
  slabOf,
  slotOf,
  slotRef,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { SIZE_CLASSES } from '../memory/size-classes.js';
import type { ThreadId } from '../threads/registry.js';
import { CACHED, FREE, ended, holderOf, stateOf, withState } from './slot-word.js';

export class FreeList {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #sizeClass: number;
  /** Slots in each slab of this class. */
  readonly slotsPerSlab: number;
  /** The slab where this thread last found something: where it looks first. */
  #hint = 0;

  constructor(words: Int32Array, layout: ControlLayout, sizeClass: number) {
    this.#words = words;
    this.#layout = layout;
    this.#sizeClass = sizeClass;
    this.slotsPerSlab = Math.min(SLOTS_PER_SLAB, SLAB_BYTES / SIZE_CLASSES[sizeClass]!);
  }

  /** Where the control word of `ref` lies. */
  wordAt(ref: SlotRef): number {
    return this.#layout.slotsAt + ref * LINE;
  }

  /**
   * Claims up to `want` free slots for `thread` and hands each to `keep`.
   *
   * @returns how many were claimed; 0 when this class has none free
   */
  take(thread: ThreadId, want: number, keep: (ref: SlotRef) => void): number {
    const { slabs, slabsAt } = this.#layout;
    for (let tried = 0; tried < slabs; tried++) {
      const slab = (this.#hint + tried) % slabs;
      const at = slabsAt + slab * SLAB_WORDS;
      if (Atomics.load(this.#words, at + SLAB_CLASS) !== this.#sizeClass + 1) continue;
      const taken = this.#takeFrom(slab, at + SLAB_BITMAP, thread, want, keep);
      if (taken > 0) {
        this.#hint = slab;
        return taken;
      }
    }
    return 0;
  }

  #takeFrom(
    slab: number,
    bitmapAt: number,
    thread: ThreadId,
    want: number,
    keep: (ref: SlotRef) => void,
  ): number {
    const words = this.#words;
    let taken = 0;
    for (let w = 0; w * 32 < this.slotsPerSlab; w++) {
      let set = Atomics.load(words, bitmapAt + w);
      while (set !== 0 && taken < want) {
        // No more than we want: were the others out of sight meanwhile, they would look lent.
        const wanted = lowestBits(set, want - taken);
        // From here on, the bits we got are ours to try, and nobody else's.
        let bits = Atomics.and(words, bitmapAt + w, ~wanted) & wanted;
        for (; bits !== 0; bits &= bits - 1) {
          const ref = slotRef(slab, w * 32 + 31 - Math.clz32(bits & -bits));
          if (this.#claim(ref, thread)) {
            keep(ref);
            taken++;
          }
        }
        set = Atomics.load(words, bitmapAt + w);
      }
    }
    return taken;
  }

  #claim(ref: SlotRef, thread: ThreadId): boolean {
    const at = this.wordAt(ref);
    const word = Atomics.load(this.#words, at);
    if (stateOf(word) !== FREE) return false;
    return Atomics.compareExchange(this.#words, at, word, withState(word, CACHED, thread)) === word;
  }

  /** Gives back a slot whose word is `word` and whose lease, if it had one, ends with this. */
  give(ref: SlotRef, word: number): boolean {
    const at = this.wordAt(ref);
    if (Atomics.compareExchange(this.#words, at, word, ended(word, FREE, 0)) !== word) return false;
    this.#setBit(ref);
    return true;
  }

  /** Makes the fresh slab `slab` available: its words are zero, which is FREE. */
  open(slab: number): void {
    const at = this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_BITMAP;
    for (let w = 0; w * 32 < this.slotsPerSlab; w++) {
      const bits = Math.min(32, this.slotsPerSlab - w * 32);
      // `or`, not `store`: a sweeper may have repaired the bitmap already and slots may be taken.
      Atomics.or(this.#words, at + w, bits === 32 ? -1 : 2 ** bits - 1);
    }
  }

  /**
   * Returns everything in `slab` that the dead `thread` held, and sets the bit of every FREE slot
   * again. Others may take and give meanwhile.
   *
   * @returns how many leases that ended; slots of its magazine come back uncounted
   */
  sweep(slab: number, thread: ThreadId): number {
    let leases = 0;
    for (let slot = 0; slot < this.slotsPerSlab; slot++) {
      const ref = slotRef(slab, slot);
      const word = Atomics.load(this.#words, this.wordAt(ref));
      if (stateOf(word) === FREE) this.#setBit(ref);
      else if (holderOf(word) === thread && this.give(ref, word) && stateOf(word) !== CACHED)
        leases++;
    }
    return leases;
  }

  #setBit(ref: SlotRef): void {
    const slot = slotOf(ref);
    const at = this.#layout.slabsAt + slabOf(ref) * SLAB_WORDS + SLAB_BITMAP + (slot >>> 5);
    const bit = 1 << (slot & 31);
    if ((Atomics.load(this.#words, at) & bit) === 0) Atomics.or(this.#words, at, bit);
  }
}

/** The lowest `most` of the bits that are set in `bits`. */
function lowestBits(bits: number, most: number): number {
  let rest = bits;
  for (let i = 0; i < most && rest !== 0; i++) rest &= rest - 1;
  return bits & ~rest;
}
