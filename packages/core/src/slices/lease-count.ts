/**
 * The lease count: how many leases have begun, how many a sweep has ended, and how many last.
 *
 * Each thread counts what it begins in its own record. What lasts is not counted but looked up, in the
 * slots' words: so it is right whoever died, and a release need not count at all.
 */
import {
  LINE,
  MAX_THREADS,
  SLAB_STATE,
  SLAB_WORDS,
  THREAD_LEASED,
  THREAD_SWEPT,
  slotRef,
  type ControlLayout,
} from '../memory/layout.js';
import { CLAIMED, EMPTY, RUN_TAIL, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import { addTo, readFrom } from '../metrics/counters.js';
import type { ThreadId } from '../threads/registry.js';
import { CLOSING, LIVE, RETURNING, SHARED, stateOf, type SlotState } from './slot-word.js';

/** States of a slot whose lease lasts. */
const LASTING: ReadonlySet<SlotState> = new Set([LIVE, RETURNING, SHARED, CLOSING]);

export class LeaseCount {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  /** Where this thread's count of leases lies, for hot paths. */
  readonly leasedAt: number;
  /** Bits of that count that are all 0 when the next lease is to be watched. */
  readonly unwatched: number;
  readonly #sweptAt: number;
  readonly #slotsByPool: readonly number[];

  /**
   * @param slotsByPool how many slots a slab of each pool has
   * @param watchEvery of how many leases one is watched; a power of two
   */
  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    slotsByPool: readonly number[],
    watchEvery: number,
  ) {
    this.#slotsByPool = slotsByPool;
    this.#words = words;
    this.#layout = layout;
    this.unwatched = watchEvery - 1;
    this.leasedAt = layout.threadsAt + thread * LINE + THREAD_LEASED;
    this.#sweptAt = layout.threadsAt + thread * LINE + THREAD_SWEPT;
  }

  /** A lease has begun. */
  leased(): void {
    addTo(this.#words, this.leasedAt, 1);
  }

  /** Whether the lease of this thread that was counted last is to be watched. */
  get due(): boolean {
    return ((this.#words[this.leasedAt]! - 1) & this.unwatched) === 0;
  }

  /** A sweep has ended a lease. */
  swept(): void {
    addTo(this.#words, this.#sweptAt, 1);
  }

  /**
   * Over all threads. A thread that dies right after it has leased a slot, before it counts that, takes
   * one lease out of `leased` and `returned`; never out of `live`.
   */
  sums(): { leased: number; returned: number; swept: number; live: number } {
    const live = this.#live();
    const swept = this.#sum(THREAD_SWEPT);
    // While others lease and release, what is read one after the other need not fit.
    const leased = Math.max(this.#sum(THREAD_LEASED), live + swept);
    return { leased, returned: leased - swept - live, swept, live };
  }

  #sum(counter: number): number {
    let total = 0;
    for (let thread = 1; thread < MAX_THREADS; thread++) {
      total += readFrom(this.#words, this.#layout.threadsAt + thread * LINE + counter);
    }
    return total;
  }

  #live(): number {
    const { slabs, slabsAt } = this.#layout;
    let live = 0;
    for (let slab = 0; slab < slabs; slab++) {
      const word = Atomics.load(this.#words, slabsAt + slab * SLAB_WORDS + SLAB_STATE);
      const state = slabStateOf(word);
      if (state === EMPTY || state === CLAIMED || state === RUN_TAIL) continue;
      const slots = this.#slotsByPool[slabPoolOf(word)] ?? 1;
      for (let slot = 0; slot < slots; slot++) {
        const at = this.#layout.slotsAt + slotRef(slab, slot) * LINE;
        if (LASTING.has(stateOf(Atomics.load(this.#words, at)))) live++;
      }
    }
    return live;
  }
}
