/**
 * The watch: what happens beside leasing and releasing when slices are watched, see `safety`.
 */
import { MillraceError } from '../errors.js';
import { SLOTS_PER_SLAB, TICK_MS, slotRef, type SlotRef } from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';
import { Guard } from '../slices/guard.js';
import type { Slice, SliceKeeper } from '../slices/slice.js';
import {
  CORRUPTED,
  LIVE,
  RETURNING,
  ended,
  holderOf,
  stateOf,
  withState,
} from '../slices/slot-word.js';
import { LeakWatch, origin, type LeakRecord } from '../slices/leak-watch.js';
import type { ThreadId } from '../threads/registry.js';
import type { PoolRoom } from './pool-room.js';

/** Of `sampled`: one watched slice in so many is traced, which costs as much as hundreds of leases. */
const TRACE_SAMPLE = 256;
/** Of `sampled`: one lease in so many is watched. */
const SAMPLE = 128;

export class Watch implements SliceKeeper {
  readonly #room: PoolRoom;
  readonly #guard: Guard;
  readonly #leaks: LeakWatch;
  readonly #report: (error: MillraceError) => void;
  readonly #every: number;
  readonly #traceEvery: number;
  #untraced = 0;

  constructor(
    room: PoolRoom,
    table: SlabTable,
    level: 'sampled' | 'full',
    report: (error: MillraceError) => void = (error) => console.error(error),
  ) {
    this.#room = room;
    this.#guard = new Guard(table, level);
    this.#report = report;
    this.#every = level === 'full' ? 1 : SAMPLE;
    this.#traceEvery = level === 'full' ? 1 : TRACE_SAMPLE;
    this.#leaks = new LeakWatch((ref, lease) => room.holds(ref, lease), report);
  }

  /** Of how many leases it watches one. */
  get every(): number {
    return this.#every;
  }

  /** A watched slice for a lease that has just begun; `undefined` when its slot is spoiled: lease another. */
  begun(slice: Slice): Slice | undefined {
    const { ref, lease, byteLength } = slice;
    if (this.#guard.spoiled(ref, lease)) {
      this.#spoil(ref, lease);
      this.#report(
        new MillraceError(
          'ERR_SLICE_LATE_WRITE',
          `Slot ${ref} was written to after its slice had been released; it is lent no more`,
        ),
      );
      return undefined;
    }
    this.#guard.begin(ref, lease, byteLength);
    return this.#keep(slice);
  }

  /** The slice that this thread has adopted, watched if it was before. */
  adopted(slice: Slice, formerLease: number): Slice {
    const { ref, lease } = slice;
    if (this.#guard.watched(ref, formerLease) < 0) return slice;
    this.#guard.follow(ref, lease);
    return this.#keep(slice);
  }

  /**
   * Ends a watched lease.
   *
   * @throws MillraceError `ERR_SLICE_OVERRUN`, and the lease has ended; `ERR_SLICE_STALE`
   */
  takeBack(ref: SlotRef, lease: number): boolean {
    const keeper = this.#room.keeperOf(ref);
    const bytes = this.#guard.watched(ref, lease);
    const returning = withState(lease, RETURNING, this.#room.thread);
    // A lease that has ended is told by the release itself.
    if (!this.#room.change(ref, lease, returning)) return keeper.takeBack(ref, lease);
    const trace = this.#leaks.forget(ref);
    if (this.#guard.end(ref, lease, bytes)) return keeper.takeBack(ref, returning);
    this.#spoil(ref, returning);
    throw new MillraceError(
      'ERR_SLICE_OVERRUN',
      `Somebody wrote beyond the ends of the slice of ${bytes} bytes in slot ${ref}; the slot is lent no more${origin(trace)}`,
    );
  }

  /** The slice has another size now. */
  resized(slice: Slice): void {
    const { ref, lease, byteLength } = slice;
    if (this.#guard.watched(ref, lease) >= 0) this.#guard.resize(ref, byteLength);
    this.#leaks.follow(slice, ref);
  }

  /** The slice has left the slot `former`, and stands for what another slice object stood for. */
  moved(slice: Slice, former: SlotRef): void {
    this.#leaks.forget(slice.ref);
    this.#leaks.follow(slice, former);
  }

  /** Looks at a slice no more, which is shared from now on. */
  forget(slice: Slice): void {
    this.#leaks.forget(slice.ref);
  }

  /** Watched leases of all threads that have lasted for `ms` or longer. */
  olderThan(ms: number): LeakRecord[] {
    const { layout } = this.#room;
    const records: LeakRecord[] = [];
    for (let slab = 0; slab < layout.slabs; slab++) {
      for (let slot = 0; slot < SLOTS_PER_SLAB; slot++) {
        const ref = slotRef(slab, slot);
        if (this.#room.capacityOf(ref) === 0) break;
        const word = this.#room.wordOf(ref);
        const byteLength = this.#guard.watched(ref, word);
        if (stateOf(word) !== LIVE || byteLength < 0) continue;
        if (this.#guard.ageOf(ref) * TICK_MS < ms) continue;
        const thread = holderOf(word) as ThreadId;
        records.push({ ref, byteLength, thread, trace: this.#leaks.traceOf(ref) });
      }
    }
    return records;
  }

  /** From now on, the lease of `slice` ends here. */
  #keep(slice: Slice): Slice {
    slice.become(this, slice);
    if (--this.#untraced < 0) {
      this.#untraced = this.#traceEvery - 1;
      this.#leaks.trace(slice);
    }
    return slice;
  }

  #spoil(ref: SlotRef, word: number): void {
    this.#room.change(ref, word, ended(word, CORRUPTED, 0));
  }
}
