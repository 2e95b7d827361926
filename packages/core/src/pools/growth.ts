/**
 * Growth and shrinking: which slabs the pools have, and when they change hands.
 */
import { SLAB_BITMAP, SLAB_WORDS, type ControlLayout } from '../memory/layout.js';
import { CLASS_COUNT } from '../memory/size-classes.js';
import { DRAINING, EMPTY, OPEN, serves, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import type { FreeList, SlabRange } from '../slices/free-list.js';
import type { SlabLife } from '../slices/slab-life.js';
import type { PoolSettings } from './settings.js';

export class Growth {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #life: SlabLife;
  /** By pool. */
  readonly #lists: readonly FreeList[];
  readonly #settings: PoolSettings;

  constructor(
    words: Int32Array,
    layout: ControlLayout,
    life: SlabLife,
    lists: readonly FreeList[],
    settings: PoolSettings,
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#life = life;
    this.#lists = lists;
    this.#settings = settings;
  }

  /**
   * Opens slabs for a pool that has run out: a part of those it has, at least one. When none is EMPTY,
   * it takes one over of which all slots are free, or lie in magazines.
   *
   * @param within which slabs; by default all that the pool may have
   */
  grow(pool: number, within: SlabRange = this.#lists[pool]!): void {
    const { growthFactor, maxSlabsPerClass } = this.#settings;
    const has = this.#life.count(pool);
    const more = Math.max(1, Math.floor(has * (growthFactor - 1)));
    const wanted = pool < CLASS_COUNT ? Math.min(more, maxSlabsPerClass - has) : 1;
    let opened = 0;
    while (opened < wanted && this.#life.open(pool, within) !== undefined) opened++;
    if (opened === 0 && wanted > 0) this.#takeOver(pool, within);
  }

  /** Makes idle slabs EMPTY: of each pool while more than `shrinkThreshold` of it is free, and old ones. */
  shrink(): number {
    const { shrinkThreshold, maxAgeTicks } = this.#settings;
    const usage = this.#lists.map((_, pool) => this.usage(pool));
    let retired = 0;
    for (let slab = this.#layout.slabs - 1; slab >= 0; slab--) {
      const word = this.#life.wordOf(slab);
      const state = slabStateOf(word);
      if (state !== OPEN && state !== DRAINING) continue;
      const pool = slabPoolOf(word);
      const of = usage[pool]!;
      const old = maxAgeTicks > 0 && this.#life.ageOf(slab) > maxAgeTicks;
      if (old) {
        this.#life.drain(slab);
        this.#life.uncache(slab);
      }
      if (!old && state !== DRAINING && of.free <= of.slots * shrinkThreshold) continue;
      if (!this.#life.retire(slab)) continue;
      retired++;
      of.slots -= this.#lists[pool]!.slotsPerSlab;
      of.free -= this.#lists[pool]!.slotsPerSlab;
    }
    return retired;
  }

  /** How many slots `pool` has, and how many of them are in no use and in no magazine. */
  usage(pool: number): { slots: number; free: number } {
    const { slotsPerSlab, from, to } = this.#lists[pool]!;
    let slots = 0;
    let free = 0;
    for (let slab = from; slab < to; slab++) {
      if (!serves(this.#life.wordOf(slab), pool)) continue;
      slots += slotsPerSlab;
      free += slotsPerSlab - this.#taken(slab);
    }
    return { slots, free };
  }

  #takeOver(pool: number, within: SlabRange): void {
    for (let slab = within.from; slab < within.to; slab++) {
      const word = this.#life.wordOf(slab);
      if (slabStateOf(word) === EMPTY || serves(word, pool)) continue;
      if (this.#life.retire(slab) && this.#life.open(pool, within) !== undefined) return;
    }
  }

  #taken(slab: number): number {
    let taken = 0;
    const at = this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_BITMAP;
    for (let w = 0; w < 32; w++) taken += bitsIn(Atomics.load(this.#words, at + w));
    return taken;
  }
}

/** How many bits of `word` are set. Source: H. Warren, "Hacker's Delight", 5-1. */
function bitsIn(word: number): number {
  let pairs = word - ((word >>> 1) & 0x5555_5555);
  pairs = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
