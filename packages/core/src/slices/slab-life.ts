/**
 * The life of a slab: opened for a pool when that runs out of slots, retired when all its slots
 * are free, and then open to any pool.
 *
 *   EMPTY ──open──▶ OPEN ──drain──▶ DRAINING
 *     ▲               │  ▲              │
 *     │            retire └──not idle───┤
 *     └──all free── RETIRING ◀──retire──┘
 *
 * The retirer takes the slab out of service first and looks at its slots after. A taker claims a slot
 * first and looks at the slab after. All four steps are sequentially consistent, so one sees the other.
 */
import {
  SLAB_BITMAP,
  SLAB_BORN,
  SLAB_STATE,
  SLAB_WORDS,
  TICK,
  slotRef,
  type ControlLayout,
} from '../memory/layout.js';
import {
  CLAIMED,
  DRAINING,
  EMPTY,
  NO_POOL,
  OPEN,
  RETIRING,
  reopened,
  serves,
  slabPoolOf,
  slabHolderOf,
  slabStateOf,
  slabWord,
} from '../memory/slab-word.js';
import type { ThreadId } from '../threads/registry.js';
import type { FreeList, SlabRange } from './free-list.js';
import { CACHED, FREE, isSpare, lookAt, stateOf } from './slot-word.js';

export class SlabLife {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #thread: ThreadId;
  /** By pool. */
  readonly #lists: readonly FreeList[];
  readonly #ensure: (slab: number) => void;
  readonly #onFreed: () => void;

  /**
   * @param ensure makes the bytes of a slab addressable
   * @param onFreed called when a slab is in service that was not, so that whoever looked in vain looks again
   */
  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    lists: readonly FreeList[],
    ensure: (slab: number) => void,
    onFreed: () => void = () => {},
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    this.#lists = lists;
    this.#ensure = ensure;
    this.#onFreed = onFreed;
  }

  wordOf(slab: number): number {
    return Atomics.load(this.#words, this.#at(slab));
  }

  /**
   * Opens an EMPTY slab for `pool`.
   *
   * @param within which it may be; by default all that the pool may have
   * @returns its number, or `undefined` when none of them is EMPTY
   */
  open(pool: number, { from, to }: SlabRange = this.#lists[pool]!): number | undefined {
    for (let slab = from; slab < to; slab++) {
      const word = this.wordOf(slab);
      if (slabStateOf(word) !== EMPTY) continue;
      // The bytes come first: whoever sees the slab open may use its slots.
      this.#ensure(slab);
      this.#clearBits(slab, this.#lists[pool]!.slotsPerSlab);
      if (this.#swap(slab, word, reopened(word, OPEN, pool))) {
        Atomics.store(this.#words, this.#at(slab) + SLAB_BORN, Atomics.load(this.#words, TICK));
        this.#onFreed();
        return slab;
      }
    }
    return undefined;
  }

  /** How many slabs serve `pool`. */
  count(pool: number): number {
    const { from, to } = this.#lists[pool]!;
    let count = 0;
    for (let slab = from; slab < to; slab++) if (serves(this.wordOf(slab), pool)) count++;
    return count;
  }

  /** Ticks since `slab` was opened. */
  ageOf(slab: number): number {
    const born = Atomics.load(this.#words, this.#at(slab) + SLAB_BORN);
    return (Atomics.load(this.#words, TICK) - born) >>> 0;
  }

  /** Lends the slots of `slab` no more; false when it is not OPEN. */
  drain(slab: number): boolean {
    const word = this.wordOf(slab);
    if (slabStateOf(word) !== OPEN) return false;
    return this.#swap(slab, word, slabWord(word, DRAINING, slabPoolOf(word)));
  }

  /** Takes the slots of `slab` that lie in magazines back, whoever's they are. */
  uncache(slab: number): void {
    const list = this.#lists[slabPoolOf(this.wordOf(slab))];
    if (list) this.#eachSlot(slab, list, () => true);
    this.#onFreed();
  }

  /**
   * Makes `slab` EMPTY if none of its slots is in use; those in magazines are taken out of them.
   *
   * @returns whether it is EMPTY now
   */
  retire(slab: number): boolean {
    const word = this.wordOf(slab);
    const state = slabStateOf(word);
    const pool = slabPoolOf(word);
    const list = this.#lists[pool];
    if ((state !== OPEN && state !== DRAINING) || !list || !this.#looksIdle(slab, list)) {
      return false;
    }
    const retiring = slabWord(word, RETIRING, pool, this.#thread);
    if (!this.#swap(slab, word, retiring)) return false;
    const idle = this.#eachSlot(slab, list, (slot) => slot === FREE);
    this.#swap(slab, retiring, idle ? slabWord(word, EMPTY, 0) : word);
    this.#onFreed();
    return idle;
  }

  /** Whether `slab` looks EMPTY, or as if {@link retire} could make it so. */
  isIdle(slab: number): boolean {
    const word = this.wordOf(slab);
    const state = slabStateOf(word);
    if (state === EMPTY) return true;
    const list = this.#lists[slabPoolOf(word)];
    return (state === OPEN || state === DRAINING) && !!list && this.#looksIdle(slab, list);
  }

  /** A number that changes when a slot of `slab` is used; `undefined` when one is in use, or it has none. */
  idleStamp(slab: number): number | undefined {
    const list = this.#lists[slabPoolOf(this.wordOf(slab))];
    if (!list) return undefined;
    let stamp = this.wordOf(slab);
    for (let slot = 0; slot < list.slotsPerSlab; slot++) {
      const word = Atomics.load(this.#words, list.wordAt(slotRef(slab, slot)));
      if (!isSpare(word)) return undefined;
      stamp = fold(stamp, word);
    }
    return stamp;
  }

  /** Holds an EMPTY slab back from all others; `release` makes it EMPTY again. */
  reserve(slab: number): boolean {
    const word = this.wordOf(slab);
    if (slabStateOf(word) !== EMPTY) return false;
    return this.#swap(slab, word, slabWord(word, RETIRING, NO_POOL, this.#thread));
  }

  release(slab: number): void {
    const word = this.wordOf(slab);
    this.#swap(slab, word, slabWord(word, EMPTY, 0));
    this.#onFreed();
  }

  /** Ends what the dead `thread` was about to do to `slab`. */
  sweep(slab: number, thread: ThreadId): void {
    const word = this.wordOf(slab);
    if (slabHolderOf(word) !== thread) return;
    const state = slabStateOf(word);
    const pool = slabPoolOf(word);
    if (state === CLAIMED || (state === RETIRING && pool === NO_POOL)) {
      this.#swap(slab, word, slabWord(word, EMPTY, 0));
    } else if (state === RETIRING) {
      this.#swap(slab, word, slabWord(word, OPEN, pool));
    }
  }

  /**
   * Clears what a dead thread left behind, which had made a slot FREE and not cleared its bit: no sweep
   * looks at the slots of an EMPTY slab. A bit that somebody is about to need costs him one exchange.
   */
  #clearBits(slab: number, slots: number): void {
    const at = this.#at(slab) + SLAB_BITMAP;
    for (let w = 0; w * 32 < slots; w++) {
      if (Atomics.load(this.#words, at + w) !== 0) Atomics.store(this.#words, at + w, 0);
    }
  }

  #looksIdle(slab: number, list: FreeList): boolean {
    for (let slot = 0; slot < list.slotsPerSlab; slot++) {
      if (!isSpare(lookAt(this.#words, list.wordAt(slotRef(slab, slot))))) return false;
    }
    return true;
  }

  /** Takes each slot out of the magazine in which it lies; whether `fits` held for all states after that. */
  #eachSlot(slab: number, list: FreeList, fits: (state: number) => boolean): boolean {
    for (let slot = 0; slot < list.slotsPerSlab; slot++) {
      const ref = slotRef(slab, slot);
      for (;;) {
        const word = Atomics.load(this.#words, list.wordAt(ref));
        if (stateOf(word) === CACHED) {
          list.give(ref, word);
          continue;
        }
        if (!fits(stateOf(word))) return false;
        break;
      }
    }
    return true;
  }

  #swap(slab: number, before: number, after: number): boolean {
    return Atomics.compareExchange(this.#words, this.#at(slab), before, after) === before;
  }

  #at(slab: number): number {
    return this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE;
  }
}

/** A hash of `word` and what came before it. Source: FNV-1a, by words. */
export function fold(hash: number, word: number): number {
  return Math.imul(hash ^ word, 0x0100_0193);
}
