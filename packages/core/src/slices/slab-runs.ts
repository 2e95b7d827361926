/**
 * Runs: slices above the largest size class. A run is as many neighbouring slabs of one arena as the
 * slice needs; slot 0 of the first is the slice's slot.
 *
 *   EMPTY EMPTY EMPTY ──claim each──▶ CLAIMED │ me ──▶ RUN  RUN_TAIL  RUN_TAIL
 *     ▲                                                 │
 *     └──── tails first, then the head ◀── slot RETURNING │ me ◀── release
 *
 * A thread that dies while it claims leaves slabs CLAIMED by it, each of which becomes EMPTY. The slot is
 * leased before the slabs become a run, from the head on, and stays leased, as RETURNING, until all are
 * EMPTY again, from the end on. So the sweeper finds claims, or a whole but shorter run and its slot.
 */
import {
  LINE,
  SLAB_STATE,
  SLAB_WORDS,
  THREAD_INTENT,
  slabOf,
  slotOf,
  slotRef,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import {
  CLAIMED,
  EMPTY,
  NO_POOL,
  RUN,
  RUN_TAIL,
  reopened,
  slabHolderOf,
  slabStateOf,
  slabWord,
} from '../memory/slab-word.js';
import type { ThreadId } from '../threads/registry.js';
import type { LeaseCount } from './lease-count.js';
import { clearBit } from './free-list.js';
import { FREE, LIVE, RETURNING, ended, stateOf, withState } from './slot-word.js';

export class SlabRuns {
  readonly #words: Int32Array;
  readonly #layout: ControlLayout;
  readonly #thread: ThreadId;
  readonly #count: LeaseCount;
  readonly #ensure: (slab: number) => void;
  readonly #onFreed: () => void;
  /** The control word of the run that was claimed last. */
  lease = 0;

  constructor(
    words: Int32Array,
    layout: ControlLayout,
    thread: ThreadId,
    count: LeaseCount,
    ensure: (slab: number) => void,
    onFreed: () => void = () => {},
  ) {
    this.#words = words;
    this.#layout = layout;
    this.#thread = thread;
    this.#count = count;
    this.#ensure = ensure;
    this.#onFreed = onFreed;
  }

  /**
   * Leases a run of `length` slabs among those from `from` up to `to`.
   *
   * @returns its slot, or `undefined` when so many neighbours are not EMPTY
   */
  acquire(length: number, to: number, from = 0): SlotRef | undefined {
    const { slabsPerArena } = this.#layout;
    for (let first = from; first + length <= to; first++) {
      // A run lies in one arena.
      if ((first % slabsPerArena) + length > slabsPerArena) continue;
      // Who waits for a run must change nothing in vain: it would wake itself for ever.
      if (!this.#looksFree(first, length)) continue;
      const claimed = this.#claim(first, length);
      const ref = claimed === length ? this.#lease(first, length) : undefined;
      if (ref !== undefined) return ref;
      for (let slab = first; slab < first + claimed; slab++) this.#empty(slab);
      this.#onFreed();
      first += claimed;
    }
    return undefined;
  }

  /** Whether `ref` is the slot of a run. */
  isRun(ref: SlotRef): boolean {
    return slotOf(ref) === 0 && slabStateOf(this.#wordOf(slabOf(ref))) === RUN;
  }

  /** Bytes of how many slabs the run of `ref` has. */
  lengthOf(ref: SlotRef): number {
    const head = slabOf(ref);
    let end = head + 1;
    while (end % this.#layout.slabsPerArena !== 0 && end < this.#layout.slabs) {
      if (slabStateOf(this.#wordOf(end)) !== RUN_TAIL) break;
      end++;
    }
    return end - head;
  }

  /** Ends the lease `lease` on the run of `ref`; false when it had ended before. */
  free(ref: SlotRef, lease: number): boolean {
    const at = this.#layout.slotsAt + ref * LINE;
    const returning = withState(lease, RETURNING, this.#thread);
    if (Atomics.compareExchange(this.#words, at, lease, returning) !== lease) return false;
    const head = slabOf(ref);
    this.#intend(head);
    // From the end: what a death leaves is a shorter run, and whole.
    for (let slab = head + this.lengthOf(ref) - 1; slab > head; slab--) this.#empty(slab);
    this.#empty(head);
    Atomics.store(this.#words, at, ended(returning, FREE, 0));
    // The slab may have been opened, and the slot been tried in vain.
    clearBit(this.#words, this.#layout, ref);
    this.#intend(-1);
    return true;
  }

  /** Ends the claims of the dead `thread` on `slab`. */
  sweep(slab: number, thread: ThreadId): void {
    const word = this.#wordOf(slab);
    if (slabStateOf(word) === CLAIMED && slabHolderOf(word) === thread) this.#empty(slab);
  }

  #looksFree(first: number, length: number): boolean {
    for (let slab = first; slab < first + length; slab++) {
      if (slabStateOf(this.#wordOf(slab)) !== EMPTY) return false;
    }
    const at = this.#layout.slotsAt + slotRef(first, 0) * LINE;
    return stateOf(Atomics.load(this.#words, at)) === FREE;
  }

  #claim(first: number, length: number): number {
    for (let i = 0; i < length; i++) {
      const word = this.#wordOf(first + i);
      if (slabStateOf(word) !== EMPTY) return i;
      this.#ensure(first + i);
      const claimed = reopened(word, CLAIMED, NO_POOL, this.#thread);
      if (Atomics.compareExchange(this.#words, this.#at(first + i), word, claimed) !== word) {
        return i;
      }
    }
    return length;
  }

  #lease(first: number, length: number): SlotRef | undefined {
    const ref = slotRef(first, 0);
    const at = this.#layout.slotsAt + ref * LINE;
    const word = Atomics.load(this.#words, at);
    const lease = withState(word, LIVE, this.#thread);
    this.#intend(first);
    // A taker that came too late, or whoever freed a run here, may hold the slot for a moment.
    const won =
      stateOf(word) === FREE && Atomics.compareExchange(this.#words, at, word, lease) === word;
    if (won) {
      this.#count.leased();
      this.lease = lease;
      for (let slab = first; slab < first + length; slab++) {
        this.#become(slab, slab === first ? RUN : RUN_TAIL);
      }
    }
    this.#intend(-1);
    return won ? ref : undefined;
  }

  /** Should this thread die, the sweeper looks at the slots of `slab` whatever it serves then. */
  #intend(slab: number): void {
    const at = this.#layout.threadsAt + this.#thread * LINE + THREAD_INTENT;
    Atomics.store(this.#words, at, slab + 1);
  }

  #become(slab: number, state: typeof RUN | typeof RUN_TAIL): void {
    Atomics.store(this.#words, this.#at(slab), slabWord(this.#wordOf(slab), state, NO_POOL));
  }

  /** Only who holds the slab, by its claim or by its run, comes here. */
  #empty(slab: number): void {
    Atomics.store(this.#words, this.#at(slab), slabWord(this.#wordOf(slab), EMPTY, 0));
  }

  #wordOf(slab: number): number {
    return Atomics.load(this.#words, this.#at(slab));
  }

  #at(slab: number): number {
    return this.#layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE;
  }
}
