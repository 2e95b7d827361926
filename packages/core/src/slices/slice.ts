/**
 * A slice: what a user holds. A lease on a slot, with `bytes` onto the shared memory.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';
import { SHARED, stateOf } from './slot-word.js';

/** A slice on its way to another thread: plain numbers, to be sent in any way. */
export interface SliceHandle {
  /** The slot. */
  readonly ref: SlotRef;
  /** The slot's control word: proof that whoever comes with it comes in time. */
  readonly lease: number;
  /** Bytes of the slice. */
  readonly byteLength: number;
}

/** What a slice needs from the pools that lent it. */
export interface SliceOwner {
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer>;
  takeBack(slice: Slice): void;
  isLive(slice: Slice): boolean;
  share(slice: Slice): number;
  resize(slice: Slice, byteLength: number): SliceHandle;
}

export class Slice implements SliceHandle {
  /** The slot, for telling another thread of the same pools where the bytes are. */
  ref: SlotRef;
  /** The slot's control word as it stood when the lease began: proof that a release is timely. */
  lease: number;
  /** Bytes asked for; the slot may be larger. */
  byteLength: number;
  /** The pools that lent this slice. */
  readonly owner: SliceOwner;
  #bytes: Uint8Array<SharedArrayBuffer> | undefined = undefined;
  /** Whether this object has ended the lease: known without a look at shared memory, whatever has become of the slot. */
  #released = false;

  constructor(owner: SliceOwner, ref: SlotRef, lease: number, byteLength: number) {
    this.owner = owner;
    this.ref = ref;
    this.lease = lease;
    this.byteLength = byteLength;
  }

  /**
   * The bytes, `byteLength` of them, page-aligned. Their content is whatever the last user left. A view
   * that was taken before {@link release} touches somebody else's lease after it: don't keep it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release} or {@link handOver}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    if (this.#released) throw this.#stale('use');
    return (this.#bytes ??= this.owner.viewOf(this.ref, this.byteLength));
  }

  /** Whether this lease still holds. */
  get live(): boolean {
    return !this.#released && this.owner.isLive(this);
  }

  /**
   * Ends the lease; for a shared slice, this thread's part in it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it has ended already, and nothing is damaged by that;
   *   `ERR_SLICE_OVERRUN` when a guarded slice was written beyond its ends: it has ended nevertheless
   */
  release(): void {
    if (this.#released) throw this.#stale('release');
    this.#released = true;
    this.#bytes = undefined;
    this.owner.takeBack(this);
  }

  /**
   * Gives the lease away: the thread that adopts the handle holds it from then on, and its death ends
   * it. Until then it stays this thread's, whose death ends it; to take it back, adopt it here.
   *
   * @throws MillraceError `ERR_SLICE_STALE`; `ERR_INVALID_ARG` when it is shared: others join instead
   */
  handOver(): SliceHandle {
    const { ref, lease, byteLength } = this;
    if (!this.live) throw this.#stale('hand over');
    if (stateOf(lease) === SHARED) {
      throw new MillraceError('ERR_INVALID_ARG', 'Cannot hand over a slice that is shared');
    }
    this.#released = true;
    this.#bytes = undefined;
    return { ref, lease, byteLength };
  }

  /**
   * Lets other threads join, to read: see `BufferPools.join`. The slot is free when all have released
   * it, or died. Nobody may write any more, which is not enforced.
   *
   * @returns the handle to join with, as often as wanted
   * @throws MillraceError `ERR_SLICE_STALE`
   */
  share(): SliceHandle {
    if (this.#released) throw this.#stale('share');
    this.lease = this.owner.share(this);
    const { ref, lease, byteLength } = this;
    return { ref, lease, byteLength };
  }

  /**
   * Changes the size, and keeps the content up to the smaller size. Within the slot nothing moves;
   * otherwise the bytes are copied to a larger slot, and `bytes` and `ref` are other ones after that.
   *
   * @throws MillraceError `ERR_SLICE_STALE`, `ERR_SIZE`; `ERR_POOL_EXHAUSTED`, and the slice is as it was;
   *   `ERR_INVALID_ARG` when it is shared
   */
  resize(byteLength: number): this {
    if (!this.live) throw this.#stale('resize');
    const moved = this.owner.resize(this, byteLength);
    this.ref = moved.ref;
    this.lease = moved.lease;
    this.byteLength = moved.byteLength;
    this.#bytes = undefined;
    return this;
  }

  /** Ends the lease unless {@link release} or {@link handOver} has. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  #stale(action: string): MillraceError {
    return new MillraceError(
      'ERR_SLICE_STALE',
      `Cannot ${action} the slice of ${this.byteLength} bytes in slot ${this.ref} as it was released or handed over`,
    );
  }
}
