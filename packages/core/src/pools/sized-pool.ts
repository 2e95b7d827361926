/**
 * A pool: slots of one size class, as one thread sees them.
 *
 *   acquire ──▶ magazine ──empty──▶ free list ──empty──▶ growth ──none──▶ another's magazine
 *   release ──▶ magazine ──full───▶ free list
 */
import {
  ATTENTION,
  LINE,
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
import type { FreeList } from '../slices/free-list.js';
import { witnessOf, type LeaseCount } from '../slices/lease-count.js';
import { Magazine } from '../slices/magazine.js';
import { CACHED, LIVE, ended, isHeld, withState } from '../slices/slot-word.js';
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
  readonly #keep: (ref: SlotRef) => void;
  #first: SlotRef | undefined;

  constructor({ words, layout, thread, count, growth }: PoolContext, list: FreeList, pool: number) {
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
    this.#keep = (ref) => {
      if (this.#first === undefined) this.#first = ref;
      else this.#magazine.push(ref);
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
      let ref: SlotRef | undefined;
      if (entry >= 0) {
        words[magazine] = entry;
        ref = words[magazine + MAGAZINE_ENTRIES + entry] as SlotRef;
      } else {
        ref = this.#refill();
        if (ref === undefined) return undefined;
      }
      const at = this.#slotsAt + ref * LINE;
      const word = words[at]!;
      // An entry of the magazine whose slot another thread has taken is dropped.
      if (!isHeld(word, CACHED, this.#thread)) continue;
      const lease = withState(word, LIVE, this.#thread);
      words[record + THREAD_LEASING] = witnessOf(ref, words[record + THREAD_LEASED]!);
      if (Atomics.compareExchange(words, at, word, lease) !== word) {
        // Else this thread, were it to adopt that slot later and die, would be taken to have leased it.
        words[record + THREAD_LEASING] = 0;
        continue;
      }
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
      words[magazine] = count + 1;
    } else this.#overflow(ref, cached);
    return RELEASED;
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
    while (this.#magazine.count > 0) this.#magazine.shed((ref) => this.#giveBack(ref));
  }

  /** Slots of this pool over all its slabs; `free` counts those in magazines as used. */
  stats(): { slotBytes: number; cached: number; slots: number; free: number } {
    const { slots, free } = this.#growth.usage(this.#pool);
    return { slotBytes: this.slotBytes, cached: this.#magazine.count, slots, free };
  }

  #refill(): SlotRef | undefined {
    const { list } = this;
    const want = Math.max(1, this.#capacity);
    this.#first = undefined;
    if (list.take(want, this.#keep) > 0) return this.#first;
    // Even without a new slab of ours: another thread may have opened one, or given something back.
    this.#growth.grow(this.#pool);
    return list.take(want, this.#keep) > 0 ? this.#first : list.steal();
  }

  #overflow(ref: SlotRef, cached: number): void {
    if (this.#capacity > 0) {
      this.#magazine.shed((older) => this.#giveBack(older));
      this.#magazine.push(ref);
    } else this.list.give(ref, cached);
  }

  #giveBack(ref: SlotRef): void {
    const word = this.#words[this.list.wordAt(ref)]!;
    if (isHeld(word, CACHED, this.#thread)) this.list.give(ref, word);
  }
}
