/**
 * The free list of one pool: the bitmaps of its slabs.
 *
 * A clear bit says "this slot may be FREE"; the slot's control word says whether it is. So zero-filled
 * memory is a slab whose slots are all free, and one exchange of a slab's word opens it. Every step is
 * safe to die after:
 *
 * - take: one atomic step sets the wanted bits of a word, then each slot is claimed FREE → CACHED by
 *   its own compare-and-exchange, holder included. A thread that dies in between leaves slots FREE
 *   with their bits set; the sweeper, which reads every word anyway, clears those bits.
 * - give: the slot becomes FREE first and its bit is cleared after. A thread that dies in between
 *   leaves the same picture.
 * - a bit that is clear though its slot is taken costs the taker one lost exchange and is mended by it:
 *   the bits that it sets stay set. Nobody else sets bits, as the slot might be FREE by then.
 *
 * No slot is lost: after the last time a slot became FREE its bit was cleared, and whoever set that
 * bit since then tried to claim the slot. There is no list head, so there is no ABA.
 *
 * A slab may be given to another pool at any time that all its slots are FREE. So whoever has claimed a
 * slot looks at the slab's word again, and gives the slot back if that has changed: from then on the
 * slot, which is not FREE, keeps the slab as it is.
 *
 * A slot that is wanted at once is claimed as LIVE. Were it CACHED first, two threads could take it from
 * each other for ever.
 */
import {
  LINE,
  SLAB_BITMAP,
  SLAB_STATE,
  SLAB_WORDS,
  THREAD_INTENT,
  slabOf,
  slotOf,
  slotRef,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { serves } from '../memory/slab-word.js';
import type { ThreadId } from '../threads/registry.js';
import { CACHED, FREE, LIVE, ended, isSpare, lookAt, stateOf, withState } from './slot-word.js';

/** Is told of a slot that was claimed, and of the word it has since. */
export type Keep = (ref: SlotRef, word: number) => void;

/** Slabs from `from` up to `to`. */
export interface SlabRange {
  readonly from: number;
  readonly to: number;
}

/** What a free list is about: its slabs lie in that range. */
export interface FreeListShape extends SlabRange {
  readonly pool: number;
  readonly slotsPerSlab: number;
}

export class FreeList {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #pool: number;
  readonly #thread: ThreadId;
  /** Slots in each slab of this class. */
  readonly slotsPerSlab: number;
  /** The slabs that it may have: from `from` up to `to`. */
  readonly from: number;
  readonly to: number;
  readonly #onFreed: () => void;
  /** The slab where this thread last found something: where it looks first. */
  #hint: number;

  /** @param onFreed called when slots are to be had again that were out of the others' sight for a moment */
  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    { pool, slotsPerSlab, from, to }: FreeListShape,
    onFreed: () => void = () => {},
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    this.#pool = pool;
    this.slotsPerSlab = slotsPerSlab;
    this.from = from;
    this.to = to;
    this.#hint = from;
    this.#onFreed = onFreed;
  }

  /** The part of this list that lies in `range`. */
  within({ from, to }: SlabRange): FreeList {
    const shape = {
      pool: this.#pool,
      slotsPerSlab: this.slotsPerSlab,
      from: Math.max(from, this.from),
      to: Math.min(to, this.to),
    };
    return new FreeList(this.#words, this.#layout, this.#thread, shape, this.#onFreed);
  }

  /** Where the control word of `ref` lies. */
  wordAt(ref: SlotRef): number {
    return this.#layout.slotsAt + ref * LINE;
  }

  /**
   * Claims up to `want` free slots as CACHED, and hands each to `keep`.
   *
   * @returns how many were claimed; 0 when none is free
   */
  take(want: number, keep: Keep): number {
    return this.#take(want, CACHED, keep);
  }

  /** Claims a free slot as LIVE; false when none is free. */
  lease(leased: Keep): boolean {
    return this.#take(1, LIVE, leased) > 0;
  }

  #take(want: number, as: typeof CACHED | typeof LIVE, keep: Keep): number {
    const { slabsAt } = this.#layout;
    const slabs = this.to - this.from;
    for (let tried = 0; tried < slabs; tried++) {
      const ahead = this.#hint + tried;
      const slab = ahead < this.to ? ahead : ahead - slabs;
      const stateAt = slabsAt + slab * SLAB_WORDS + SLAB_STATE;
      const state = Atomics.load(this.#words, stateAt);
      if (!serves(state, this.#pool)) continue;
      const taken = this.#takeFrom(slab, state, want, as, keep);
      if (taken > 0) {
        this.#hint = slab;
        return taken;
      }
    }
    return 0;
  }

  #takeFrom(
    slab: number,
    state: number,
    want: number,
    as: typeof CACHED | typeof LIVE,
    keep: Keep,
  ): number {
    const words = this.#words;
    const stateAt = this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE;
    const intentAt = this.#layout.threadsAt + this.#thread * LINE + THREAD_INTENT;
    let taken = 0;
    // Should this thread die while the slab changes hands, the sweeper looks at all its slots.
    Atomics.store(words, intentAt, slab + 1);
    for (let w = 0; w * 32 < this.slotsPerSlab && taken < want; w++) {
      const bitsAt = this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_BITMAP + w;
      const slots = this.slotsPerSlab - w * 32;
      const within = slots >= 32 ? -1 : (1 << slots) - 1;
      let free = ~Atomics.load(words, bitsAt) & within;
      while (free !== 0 && taken < want) {
        // No more than we want: were the others out of sight meanwhile, they would look lent.
        const wanted = lowestBits(free, want - taken);
        // From here on, the bits that we set are ours to try, and nobody else's.
        let bits = ~Atomics.or(words, bitsAt, wanted) & wanted;
        for (; bits !== 0; bits &= bits - 1) {
          const ref = slotRef(slab, w * 32 + 31 - Math.clz32(bits & -bits));
          const word = this.#claim(ref, as);
          if (word === undefined) continue;
          if (Atomics.load(words, stateAt) !== state) {
            this.give(ref, word);
            for (bits &= bits - 1; bits !== 0; bits &= bits - 1) {
              this.show(slotRef(slab, w * 32 + 31 - Math.clz32(bits & -bits)));
            }
            Atomics.store(words, intentAt, 0);
            this.#onFreed();
            return taken;
          }
          keep(ref, word);
          taken++;
        }
        free = ~Atomics.load(words, bitsAt) & within;
      }
    }
    Atomics.store(words, intentAt, 0);
    return taken;
  }

  #claim(ref: SlotRef, as: typeof CACHED | typeof LIVE): number | undefined {
    const at = this.wordAt(ref);
    const word = Atomics.load(this.#words, at);
    if (stateOf(word) !== FREE) return undefined;
    const claimed = withState(word, as, this.#thread);
    return Atomics.compareExchange(this.#words, at, word, claimed) === word ? claimed : undefined;
  }

  /**
   * Claims, as LIVE, a slot that a thread keeps in its magazine, or is about to take: its bit is set and
   * its word not changed yet. That reads every slot: for a thread that would have to wait otherwise.
   */
  steal(leased: Keep): boolean {
    const words = this.#words;
    const intentAt = this.#layout.threadsAt + this.#thread * LINE + THREAD_INTENT;
    let found = false;
    for (let slab = this.from; slab < this.to && !found; slab++) {
      const stateAt = this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE;
      const state = Atomics.load(words, stateAt);
      if (!serves(state, this.#pool)) continue;
      Atomics.store(words, intentAt, slab + 1);
      for (let slot = 0; slot < this.slotsPerSlab && !found; slot++) {
        const ref = slotRef(slab, slot);
        const stolen = this.#seize(ref);
        if (stolen === undefined) continue;
        if (Atomics.load(words, stateAt) !== state) {
          this.give(ref, stolen);
          this.#onFreed();
          break;
        }
        leased(ref, stolen);
        found = true;
      }
      Atomics.store(words, intentAt, 0);
    }
    return found;
  }

  /** Claims `ref` as LIVE, whoever keeps it; `undefined` when it is in use. */
  #seize(ref: SlotRef): number | undefined {
    const at = this.wordAt(ref);
    for (;;) {
      const word = lookAt(this.#words, at);
      if (!isSpare(word)) return undefined;
      const stolen = withState(word, LIVE, this.#thread);
      if (Atomics.compareExchange(this.#words, at, word, stolen) === word) return stolen;
    }
  }

  /** Gives back a slot whose word is `word`; false when it is not any more. */
  give(ref: SlotRef, word: number): boolean {
    const at = this.wordAt(ref);
    if (Atomics.compareExchange(this.#words, at, word, ended(word, FREE, 0)) !== word) return false;
    clearBit(this.#words, this.#layout, ref);
    return true;
  }

  /** Brings the slot `ref` into sight if it is FREE; for the sweeper, while others take and give. */
  show(ref: SlotRef): void {
    const free = stateOf(Atomics.load(this.#words, this.wordAt(ref))) === FREE;
    if (free) clearBit(this.#words, this.#layout, ref);
  }
}

/** Brings the slot `ref` into sight; after it has become FREE. */
export function clearBit(words: Int32Array, layout: ControlLayout, ref: SlotRef): void {
  const at = bitmapAt(layout, ref);
  const bit = 1 << (ref & 31);
  if ((Atomics.load(words, at) & bit) !== 0) Atomics.and(words, at, ~bit);
}

/** Where the word of the bitmap lies that holds the bit of `ref`. */
function bitmapAt(layout: ControlLayout, ref: SlotRef): number {
  return layout.slabsAt + slabOf(ref) * SLAB_WORDS + SLAB_BITMAP + (slotOf(ref) >>> 5);
}

/** The lowest `most` of the bits that are set in `bits`. */
function lowestBits(bits: number, most: number): number {
  let rest = bits;
  for (let i = 0; i < most && rest !== 0; i++) rest &= rest - 1;
  return bits & ~rest;
}
