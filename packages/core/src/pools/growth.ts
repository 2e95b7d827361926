/**
 * Growth and shrinking: which slabs the pools have, and when they change hands.
 */
import { TICK, type ControlLayout } from '../memory/layout.js';
import { CLASS_COUNT } from '../memory/size-classes.js';
import { DRAINING, EMPTY, OPEN, serves, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import type { FreeList, SlabRange } from '../slices/free-list.js';
import type { SlabLife } from '../slices/slab-life.js';
import { IdleSince } from './idle-since.js';
import { takenIn } from './occupancy.js';
import type { PoolSettings } from './settings.js';

/** How far a shrink goes. */
export interface ShrinkTerms {
  /** Slabs that were used later than so many ticks ago stay. */
  readonly idleTicks: number;
  /** Slabs that were opened longer ago are taken out of use; 0: no limit. */
  readonly maxAgeTicks: number;
  /** A pool gives slabs back while more than this part of its slots is free. */
  readonly shrinkThreshold: number;
  /** So many of the smallest classes keep their last slab, unless it is old. */
  readonly keptClasses: number;
}

interface PoolUsage {
  slots: number;
  free: number;
}

export class Growth {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #life: SlabLife;
  /** By pool. */
  readonly #lists: readonly FreeList[];
  readonly #settings: PoolSettings;
  readonly #idle = new IdleSince();
  /** Slabs below this one have yet to be looked at by the shrink that is under way; 0: none is. */
  #unseen = 0;

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

  /**
   * Makes idle slabs EMPTY: of each pool while more than `shrinkThreshold` of it is free, and old ones.
   *
   * @param untilMs when it has to stop, by `performance.now()`: the next call goes on from there
   * @returns how many, and whether some slabs have yet to be looked at
   */
  shrink(terms: Partial<ShrinkTerms> = {}, untilMs = Infinity): { slabs: number; more: boolean } {
    const whole = { idleTicks: 0, keptClasses: 0, ...this.#settings, ...terms };
    const usage = this.#lists.map((_, pool) => this.usage(pool));
    let slab = untilMs < Infinity && this.#unseen > 0 ? this.#unseen : this.#layout.slabs;
    let slabs = 0;
    let late = false;
    while (slab > 0 && !late) {
      const word = this.#life.wordOf(--slab);
      const state = slabStateOf(word);
      if (state !== OPEN && state !== DRAINING) continue;
      if (this.#shrinkBy(slab, word, usage[slabPoolOf(word)]!, whole)) slabs++;
      late = performance.now() > untilMs;
    }
    this.#unseen = slab;
    return { slabs, more: slab > 0 };
  }

  /** Whether `slab`, which is in service, is EMPTY now. */
  #shrinkBy(slab: number, word: number, of: PoolUsage, terms: ShrinkTerms): boolean {
    const { idleTicks, maxAgeTicks, shrinkThreshold, keptClasses } = terms;
    const pool = slabPoolOf(word);
    const { slotsPerSlab } = this.#lists[pool]!;
    // Looked at whatever comes of it: that is how it is known later for how long it has been idle.
    const spared = idleTicks > 0 && this.#idleFor(slab) < idleTicks;
    if (maxAgeTicks > 0 && this.#life.ageOf(slab) > maxAgeTicks) {
      this.#life.drain(slab);
      this.#life.uncache(slab);
    } else if (slabStateOf(word) !== DRAINING) {
      const kept = pool < keptClasses && of.slots <= slotsPerSlab;
      if (spared || kept || of.free <= of.slots * shrinkThreshold) return false;
    }
    if (!this.#life.retire(slab)) return false;
    of.slots -= slotsPerSlab;
    of.free -= slotsPerSlab;
    return true;
  }

  /** How many slots `pool` has, and how many of them are in no use and in no magazine. */
  usage(pool: number): PoolUsage {
    const { slotsPerSlab, from, to } = this.#lists[pool]!;
    let slots = 0;
    let free = 0;
    for (let slab = from; slab < to; slab++) {
      if (!serves(this.#life.wordOf(slab), pool)) continue;
      slots += slotsPerSlab;
      free += slotsPerSlab - takenIn(this.#words, this.#layout, slab, slotsPerSlab);
    }
    return { slots, free };
  }

  /** For how many ticks nobody has used `slab`, as far as this thread has looked; −1 while it is in use. */
  #idleFor(slab: number): number {
    return this.#idle.look(slab, this.#life.idleStamp(slab), Atomics.load(this.#words, TICK));
  }

  #takeOver(pool: number, within: SlabRange): void {
    for (let slab = within.from; slab < within.to; slab++) {
      const word = this.#life.wordOf(slab);
      if (slabStateOf(word) === EMPTY || serves(word, pool)) continue;
      if (this.#life.retire(slab) && this.#life.open(pool, within) !== undefined) return;
    }
  }
}
