/**
 * A pool: slots of one size class, as one thread sees them.
 *
 *   acquire ──▶ magazine ──empty──▶ free list ──empty──▶ growth ──none──▶ another's magazine
 *   release ──▶ magazine ──full───▶ free list
 */
import {
  ATTENTION,
  LINE,
  MAGAZINE_CACHED,
  MAGAZINE_ENTRIES,
  THREAD_LEASED,
  THREAD_LEASING,
  THREAD_RETURNED,
  THREAD_RETURNED_LEASE,
  THREAD_RETURNING,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { SIZE_CLASSES, classOfPool } from '../memory/size-classes.js';
import { addTo } from '../metrics/counters.js';
import type { FreeList, Keep } from '../slices/free-list.js';
import { witnessOf, type LeaseCount } from '../slices/lease-count.js';
import { Magazine } from '../slices/magazine.js';
import { CACHED, LIVE, ended, withState } from '../slices/slot-word.js';
import type { ThreadId } from '../threads/registry.js';
import type { Growth } from './growth.js';

/** How a release went. */
export const STALE = 0;
export const RELEASED = 1;
export const AWAITED = 2;

/** What all pools of one thread share. */
export interface PoolContext {
  readonly words: Int32Array;
  readonly layout: ControlLayout;
  readonly thread: ThreadId;
  readonly count: LeaseCount;
  readonly growth: Growth;
  /** Whom to tell that slots are to be had. */
  readonly waiting: { call(): void };
}

export class SizedBufferPool {
  /** Slot size in bytes. */
  readonly slotBytes: number;
  readonly list: FreeList;
  /** The control word of the slot that was acquired last: what its release must present. */
  lease = 0;
  readonly #words: Int32Array;
  readonly #thread: ThreadId;
  readonly #slotsAt: number;
  readonly #recordAt: number;
  readonly #magazineAt: number;
  readonly #capacity: number;
  readonly #pool: number;
  readonly #magazine: Magazine;
  readonly #layout: ControlLayout;
  readonly #growth: Growth;
  readonly #count: LeaseCount;
  readonly #callWaiting: () => void;
  readonly #keep: Keep;
  readonly #leasing: (ref: SlotRef) => void;
  readonly #leased: Keep;
  #first: SlotRef | undefined;

  constructor(
    { words, layout, thread, count, growth, waiting }: PoolContext,
    list: FreeList,
    pool: number,
  ) {
    this.slotBytes = SIZE_CLASSES[classOfPool(pool)]!;
    this.list = list;
    this.#words = words;
    this.#layout = layout;
    this.#slotsAt = layout.slotsAt;
    this.#thread = thread;
    this.#recordAt = count.recordAt;
    this.#growth = growth;
    this.#pool = pool;
    this.#magazine = new Magazine(words, layout, thread, pool);
    this.#magazineAt = this.#magazine.at;
    this.#capacity = this.#magazine.capacity;
    this.#count = count;
    this.#callWaiting = () => waiting.call();
    this.#keep = (ref, cached) => void this.#magazine.push(ref, cached);
    this.#leasing = (ref) => count.leasing(ref);
    this.#leased = (ref, lease) => {
      count.leased();
      this.lease = lease;
      this.#first = ref;
    };
  }

  /**
   * Leases a slot, or `undefined` when none is to be had.
   *
   * This and {@link release} are the hot paths: written out, so that the compiler takes each in whole.
   */
  acquire(): SlotRef | undefined {
    const words = this.#words;
    const magazine = this.#magazineAt;
    const record = this.#recordAt;
    for (;;) {
      const entry = words[magazine]! - 1;
      if (entry < 0) return this.#refill();
      words[magazine] = entry;
      const ref = words[magazine + MAGAZINE_ENTRIES + entry] as SlotRef;
      const word = words[magazine + MAGAZINE_CACHED + entry]!;
      const at = this.#slotsAt + ref * LINE;
      const lease = withState(word, LIVE, this.#thread);
      words[record + THREAD_LEASING] = witnessOf(ref, words[record + THREAD_LEASED]!);
      // An entry of the magazine whose slot another thread has taken is dropped.
      if (Atomics.compareExchange(words, at, word, lease) !== word) continue;
      addTo(words, record + THREAD_LEASED, 1);
      this.lease = lease;
      return ref;
    }
  }

  /**
   * Ends the lease `lease` on `ref`. When somebody waits for memory the slot is FREE after that, in
   * sight of all, and the caller must tell them.
   *
   * @returns {@link STALE} when the lease had ended before, {@link RELEASED}, or {@link AWAITED} when
   *   somebody waits
   */
  release(ref: SlotRef, lease: number): typeof STALE | typeof RELEASED | typeof AWAITED {
    const words = this.#words;
    const magazine = this.#magazineAt;
    const record = this.#recordAt;
    const at = this.#slotsAt + ref * LINE;
    const cached = ended(lease, CACHED, this.#thread);
    words[record + THREAD_RETURNED_LEASE] = lease;
    words[record + THREAD_RETURNING] = witnessOf(ref, words[record + THREAD_RETURNED]!);
    if (Atomics.compareExchange(words, at, lease, cached) !== lease) {
      words[record + THREAD_RETURNING] = 0;
      return STALE;
    }
    addTo(words, record + THREAD_RETURNED, 1);
    const count = words[magazine]!;
    // Looked at after the exchange: whoever begins to wait after this finds the slot by its word.
    if (Atomics.load(words, ATTENTION) !== 0) {
      this.list.give(ref, cached);
      return AWAITED;
    }
    if (count < this.#capacity) {
      words[magazine + MAGAZINE_ENTRIES + count] = ref;
      words[magazine + MAGAZINE_CACHED + count] = cached;
      words[magazine] = count + 1;
      return RELEASED;
    }
    return this.#overflow(ref, cached);
  }

  /** Changes the word of a slot that this thread holds as `lease`; false when it does not any more. */
  change(ref: SlotRef, lease: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.list.wordAt(ref), lease, to) === lease;
  }

  /** Empties the magazine that the dead `thread` left behind. */
  forget(thread: ThreadId): void {
    new Magazine(this.#words, this.#layout, thread, this.#pool).clear();
  }

  /** Gives this thread's spare slots back, so that others can have them. */
  flush(): void {
    while (this.#magazine.count > 0)
      this.#magazine.shed((ref, cached) => this.list.give(ref, cached));
  }

  /** Slots of this pool over all its slabs; `free` counts those in magazines as used. */
  stats(): { slotBytes: number; cached: number; slots: number; free: number } {
    const { slots, free } = this.#growth.usage(this.#pool);
    return { slotBytes: this.slotBytes, cached: this.#magazine.count, slots, free };
  }

  #refill(): SlotRef | undefined {
    const { list } = this;
    this.#first = undefined;
    if (!list.lease(this.#leasing, this.#leased)) {
      // Even without a new slab of ours: another thread may have opened one, or given something back.
      this.#growth.grow(this.#pool);
      if (!list.lease(this.#leasing, this.#leased)) list.steal(this.#leasing, this.#leased);
    }
    if (this.#first === undefined) this.#count.notLeased();
    else if (this.#capacity > 1 && list.take(this.#capacity - 1, this.#keep) > 0) this.#tell();
    return this.#first;
  }

  #overflow(ref: SlotRef, cached: number): typeof RELEASED | typeof AWAITED {
    if (this.#capacity > 0) {
      this.#magazine.shed((older, word) => this.list.give(older, word));
      this.#magazine.push(ref, cached);
    } else this.list.give(ref, cached);
    // Who began to wait meanwhile may have looked at the free list before, and at the slots after that.
    return Atomics.load(this.#words, ATTENTION) === 0 ? RELEASED : AWAITED;
  }

  /** Slots on their way to a magazine are in nobody's sight: who looked meanwhile must look again. */
  #tell(): void {
    if (Atomics.load(this.#words, ATTENTION) !== 0) this.#callWaiting();
  }
}
