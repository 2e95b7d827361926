/**
 * A pool: slots of one size class, as one thread sees them.
 *
 *   lend     ──▶ magazine ──empty──▶ free list ──empty──▶ growth ──none──▶ another's magazine
 *   takeBack ──▶ magazine ──full───▶ free list
 */
import { MillraceError } from '../errors.js';
import {
  ATTENTION,
  LINE,
  MAGAZINE_CACHED,
  MAGAZINE_ENTRIES,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import { SIZE_CLASSES, classOfPool } from '../memory/size-classes.js';
import { addTo } from '../metrics/counters.js';
import type { FreeList, Keep, SlabRange } from '../slices/free-list.js';
import type { LeaseCount } from '../slices/lease-count.js';
import { Magazine } from '../slices/magazine.js';
import {
  Slice,
  type SliceKeeper,
  type SliceOwner,
  type SliceWatch,
  type SliceWatcher,
} from '../slices/slice.js';
import { CACHED, GENERATION_BITS, LIVE, ended, withState } from '../slices/slot-word.js';
import type { ThreadId } from '../threads/registry.js';
import type { Growth } from './growth.js';

/** For the hot paths: a constant of this module is compiled in, one of another is loaded each time. */
const SLOT = LINE;
const ENTRY = MAGAZINE_ENTRIES;
const ENTRY_WORD = MAGAZINE_CACHED;
const ASKED = ATTENTION;
const GENERATION = GENERATION_BITS;
const LentSlice = Slice;
const add = addTo;

/** What all pools of one thread share. */
export interface PoolContext {
  readonly words: Int32Array;
  readonly layout: ControlLayout;
  readonly thread: ThreadId;
  readonly count: LeaseCount;
  readonly growth: Growth;
  /** Whoever lends what these pools have. */
  readonly owner: SliceOwner;
  /** Watches leases when it is their turn. */
  readonly watcher: SliceWatcher | undefined;
}

export class SlotPool implements SliceKeeper {
  /** Slot size in bytes. */
  readonly slotBytes: number;
  readonly list: FreeList;
  readonly #words: Int32Array;
  // Numbers from the first: what was never anything else is used without a look at what it is.
  /** What {@link withState} and {@link ended} add to a generation in the hot paths. */
  readonly #live: number = 0;
  readonly #cached: number = 0;
  readonly #slotsAt: number = 0;
  readonly #leasedAt: number = 0;
  readonly #unwatched: number = 0;
  readonly #magazineAt: number = 0;
  readonly #capacity: number = 0;
  readonly #pool: number;
  readonly #magazine: Magazine;
  readonly #layout: ControlLayout;
  readonly #growth: Growth;
  readonly #context: PoolContext;
  readonly #keep: Keep;

  constructor(context: PoolContext, list: FreeList, pool: number) {
    const { words, layout, thread, count, growth } = context;
    this.#context = context;
    this.slotBytes = SIZE_CLASSES[classOfPool(pool)]!;
    this.list = list;
    this.#words = words;
    this.#layout = layout;
    this.#slotsAt = layout.slotsAt;
    this.#live = withState(0, LIVE, thread);
    this.#cached = ended(0, CACHED, thread);
    this.#leasedAt = count.leasedAt;
    this.#unwatched = count.unwatched;
    this.#growth = growth;
    this.#pool = pool;
    this.#magazine = new Magazine(words, layout, thread, pool);
    this.#magazineAt = this.#magazine.at;
    this.#capacity = this.#magazine.capacity;
    this.#keep = (ref, cached) => void this.#magazine.push(ref, cached);
  }

  get owner(): SliceOwner {
    return this.#context.owner;
  }

  /**
   * Leases a slot for `bytes` bytes, which it must hold; `undefined` when none is to be had.
   *
   * This and {@link takeBack} are the hot paths, written out in one piece. What happens seldom happens
   * before the slice is made: the compiler then knows what is in it until its release.
   */
  lend(bytes: number): Slice | undefined {
    const words = this.#words;
    const at = this.#magazineAt;
    for (;;) {
      const last = words[at]! - 1;
      if (last < 0) return this.#lendFromList(bytes);
      words[at] = last;
      const entry = (at + last) | 0;
      const ref = words[entry + ENTRY] as SlotRef;
      const word = words[entry + ENTRY_WORD]!;
      const lease = (word & GENERATION) | this.#live;
      // An entry of the magazine whose slot another thread has taken is dropped.
      if (Atomics.compareExchange(words, this.#slotsAt + ref * SLOT, word, lease) !== word)
        continue;
      const unwatched = words[this.#leasedAt]! & this.#unwatched;
      add(words, this.#leasedAt, 1);
      const watch = unwatched === 0 ? this.#watch(ref, lease, bytes) : undefined;
      if (watch !== null) return new LentSlice(this, ref, lease, bytes, watch);
    }
  }

  /**
   * The same in one of the slabs `within`, where the magazine is of no use: its slots lie anywhere.
   *
   * @param watched whether to watch the lease even if it is not its turn
   */
  lendWithin(within: SlabRange, bytes: number, watched: boolean): Slice | undefined {
    return this.#lendFrom(this.list.within(within), bytes, watched);
  }

  /**
   * Ends the lease `lease` on `ref`. When somebody waits for memory the slot is FREE after that, in
   * sight of all.
   *
   * @returns whether somebody waits, and must be told
   * @throws MillraceError `ERR_SLICE_STALE` when the lease had ended before
   */
  takeBack(ref: SlotRef, lease: number): boolean {
    const words = this.#words;
    const cached = ((lease & GENERATION) + this.#cached) | 0;
    if (Atomics.compareExchange(words, this.#slotsAt + ref * SLOT, lease, cached) !== lease) {
      throw endedAlready(ref);
    }
    const at = this.#magazineAt;
    const count = words[at]!;
    // Looked at after the exchange, and plainly, as an atomic load is a call: see `lookAt`.
    const asked = words[ASKED] !== 0;
    if (asked || count >= this.#capacity) return this.#giveBack(ref, cached, asked);
    const entry = (at + count) | 0;
    words[entry + ENTRY] = ref;
    words[entry + ENTRY_WORD] = cached;
    words[at] = count + 1;
    return false;
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

  #lendFromList(bytes: number): Slice | undefined {
    const slice = this.#lendFrom(this.list, bytes, false);
    if (slice && this.#capacity > 1) this.list.take(this.#capacity - 1, this.#keep);
    return slice;
  }

  #lendFrom(list: FreeList, bytes: number, watched: boolean): Slice | undefined {
    let [ref, lease]: [SlotRef | undefined, number] = [undefined, 0];
    const leased: Keep = (...found) => {
      [ref, lease] = found;
    };
    if (!list.lease(leased)) {
      // Even without a new slab of ours: another thread may have opened one, or given something back.
      this.#growth.grow(this.#pool, list);
      if (!list.lease(leased)) list.steal(leased);
    }
    if (ref === undefined) return undefined;
    const { count } = this.#context;
    count.leased();
    const watch = watched || count.due ? this.#watch(ref, lease, bytes) : undefined;
    if (watch === null) return this.#lendFrom(list, bytes, watched);
    return new Slice(this, ref, lease, bytes, watch);
  }

  /** `null` when the slot is spoiled: lease another. */
  #watch(ref: SlotRef, lease: number, bytes: number): SliceWatch | undefined | null {
    return this.#context.watcher?.begin(ref, lease, bytes);
  }

  /** Of a slot that is not to go into the magazine, or for which there is no room. */
  #giveBack(ref: SlotRef, cached: number, asked: boolean): boolean {
    if (asked || this.#capacity === 0) this.list.give(ref, cached);
    else {
      this.#magazine.shed((older, word) => this.list.give(older, word));
      this.#magazine.push(ref, cached);
    }
    return asked;
  }
}

function endedAlready(ref: SlotRef): MillraceError {
  return new MillraceError(
    'ERR_SLICE_STALE',
    `Cannot release the slice in slot ${ref} as its lease has ended already`,
  );
}
