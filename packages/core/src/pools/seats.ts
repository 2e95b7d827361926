/**
 * Seats: the shared slices that this thread holds, each in as many slice objects as it has joined with. In the slot it
 * has one seat, which it leaves with the last of them.
 */
import type { SlotRef } from '../memory/layout.js';
import { Slice, type SliceHandle, type SliceKeeper, type SliceOwner } from '../slices/slice.js';
import { stale, type PoolRoom } from './pool-room.js';

export class Seats implements SliceKeeper {
  readonly #room: PoolRoom;
  /** How many slices share a seat. */
  readonly #slices = new Map<SlotRef, number>();

  constructor(room: PoolRoom) {
    this.#room = room;
  }

  get owner(): SliceOwner {
    return this.#room.owner;
  }

  /** Makes a slice that is this thread's alone one that others may join. */
  share(slice: Slice): void {
    const { ref, lease, byteLength } = slice;
    if (this.#room.isShared(lease)) return;
    const shared = this.#room.sharing.share(ref, lease);
    if (shared === undefined) throw stale('share', ref);
    slice.watch?.forget();
    slice.become(this, { ref, lease: shared, byteLength });
    this.#slices.set(ref, 1);
  }

  /** @throws MillraceError `ERR_SLICE_STALE` when all who held it have released it already */
  join({ ref, lease, byteLength }: SliceHandle): Slice {
    const slices = this.#slices.get(ref) ?? 0;
    if (slices === 0 && !this.#room.sharing.join(ref, lease)) throw stale('join', ref);
    if (slices > 0 && !this.#room.holds(ref, lease)) throw stale('join', ref);
    this.#slices.set(ref, slices + 1);
    return new Slice(this, ref, lease, byteLength);
  }

  /** Ends the part of one slice in a seat. */
  takeBack(ref: SlotRef): boolean {
    const slices = this.#slices.get(ref) ?? 0;
    if (slices === 0) throw stale('release', ref);
    if (slices > 1) {
      this.#slices.set(ref, slices - 1);
      return false;
    }
    this.#slices.delete(ref);
    return this.#room.sharing.leave(ref) && this.#room.attended;
  }
}
