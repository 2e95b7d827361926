/**
 * The watch: what happens beside leasing and releasing when slices are watched, see `safety`.
 */
import { MillraceError } from '../errors.js';
import { TICK_MS, slotRef, type SlotRef } from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';
import { Guard } from '../slices/guard.js';
import { Slice, type SliceOwner } from '../slices/slice.js';
import {
  CORRUPTED,
  LIVE,
  RETURNING,
  ended,
  holderOf,
  stateOf,
  withState,
} from '../slices/slot-word.js';
import { LeakWatch, WatchedSlice, type LeakRecord } from '../slices/watched-slice.js';
import type { ThreadId } from '../threads/registry.js';
import type { PoolRoom } from './pool-room.js';

export class Watch {
  readonly #owner: SliceOwner;
  readonly #room: PoolRoom;
  readonly #guard: Guard;
  readonly #leaks: LeakWatch;
  readonly #report: (error: MillraceError) => void;

  constructor(
    owner: SliceOwner,
    room: PoolRoom,
    table: SlabTable,
    level: 'sampled' | 'full',
    report: (error: MillraceError) => void = (error) => console.error(error),
  ) {
    this.#owner = owner;
    this.#room = room;
    this.#guard = new Guard(table, level);
    this.#report = report;
    this.#leaks = new LeakWatch((ref, lease) => room.holds(ref, lease), report);
  }

  /** The slice for a lease that has just begun; `undefined` when the slot is spoiled: lease another. */
  begun(ref: SlotRef, lease: number, bytes: number): Slice | undefined {
    if (this.#guard.spoiled(ref)) {
      this.#spoil(ref, lease);
      this.#report(
        new MillraceError(
          'ERR_SLICE_LATE_WRITE',
          `Slot ${ref} was written to after its slice had been released; it is lent no more`,
        ),
      );
      return undefined;
    }
    if (!this.#guard.begin(ref, bytes)) return new Slice(this.#owner, ref, lease, bytes);
    return this.#leaks.make(this.#owner, ref, lease, bytes);
  }

  /** The slice for a lease that this thread has adopted, if it is watched. */
  adopted(ref: SlotRef, lease: number, bytes: number): Slice | undefined {
    if (this.#guard.watched(ref) < 0) return undefined;
    return this.#leaks.make(this.#owner, ref, lease, bytes);
  }

  /**
   * Checks a slice that is about to be released.
   *
   * @returns the word that the release must present now
   * @throws MillraceError `ERR_SLICE_OVERRUN`, and the lease has ended
   */
  ending(slice: Slice): number {
    const { ref, lease } = slice;
    const bytes = this.#guard.watched(ref);
    const returning = withState(lease, RETURNING, this.#room.thread);
    // A lease that has ended is told by the release itself.
    if (bytes < 0 || !this.#room.pools[0]!.change(ref, lease, returning)) return lease;
    this.forget(slice);
    if (this.#guard.whole(ref, bytes)) {
      this.#guard.end(ref, bytes);
      return returning;
    }
    this.#spoil(ref, returning);
    throw new MillraceError(
      'ERR_SLICE_OVERRUN',
      `Somebody wrote beyond the ends of the slice of ${bytes} bytes in slot ${ref}; the slot is lent no more${leasedAt(slice)}`,
    );
  }

  resized(slice: Slice, bytes: number): void {
    if (this.#guard.watched(slice.ref) >= 0) this.#guard.resize(slice.ref, bytes);
  }

  forget(slice: Slice): void {
    this.#leaks.forget(slice);
  }

  olderThan(ms: number): LeakRecord[] {
    const { pools, words, layout } = this.#room;
    const records: LeakRecord[] = [];
    for (let slab = 0; slab < layout.slabs; slab++) {
      for (let slot = 0; this.#room.capacityOf(slotRef(slab, slot)) > 0 && slot < 1024; slot++) {
        const ref = slotRef(slab, slot);
        const word = Atomics.load(words, pools[0]!.list.wordAt(ref));
        const byteLength = this.#guard.watched(ref);
        if (stateOf(word) !== LIVE || byteLength < 0) continue;
        if (this.#guard.ageOf(ref) * TICK_MS < ms) continue;
        const thread = holderOf(word) as ThreadId;
        records.push({ ref, byteLength, thread, trace: this.#leaks.traceOf(ref) });
      }
    }
    return records;
  }

  #spoil(ref: SlotRef, word: number): void {
    const { count, pools } = this.#room;
    count.returning(ref, word);
    if (pools[0]!.change(ref, word, ended(word, CORRUPTED, 0))) count.returned();
    else count.notReturned();
  }
}

function leasedAt(slice: Slice): string {
  return slice instanceof WatchedSlice
    ? `.\nIt was leased ${slice.trace.created}\nand last used ${slice.trace.lastUsed}`
    : '';
}
