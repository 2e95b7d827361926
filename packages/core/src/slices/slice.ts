/**
 * A slice: what a user holds. A lease on a slot, with `bytes` onto the shared memory.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';

/** What a slice needs from the pool that lent it. */
export interface SliceOwner {
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer>;
  takeBack(slice: Slice): void;
  isLive(slice: Slice): boolean;
}

export class Slice {
  /** The slot, for handing the slice to another thread of the same pools. */
  readonly ref: SlotRef;
  /** The slot's control word as it stood when the lease began: proof that a release is timely. */
  readonly lease: number;
  /** Bytes asked for; the slot may be larger. */
  readonly byteLength: number;
  readonly #owner: SliceOwner;
  #bytes: Uint8Array<SharedArrayBuffer> | undefined;
  /** Whether this object has ended the lease: known without a look at shared memory, whatever has become of the slot. */
  #released = false;

  constructor(owner: SliceOwner, ref: SlotRef, lease: number, byteLength: number) {
    this.#owner = owner;
    this.ref = ref;
    this.lease = lease;
    this.byteLength = byteLength;
  }

  /** The pools that lent this slice. */
  get owner(): SliceOwner {
    return this.#owner;
  }

  /**
   * The bytes, `byteLength` of them. Their content is whatever the last user left. A view that was taken
   * before {@link release} touches somebody else's lease after it: don't keep it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    if (this.#released) throw this.#stale('use');
    return (this.#bytes ??= this.#owner.viewOf(this.ref, this.byteLength));
  }

  /** Whether this lease still holds. */
  get live(): boolean {
    return !this.#released && this.#owner.isLive(this);
  }

  /**
   * Ends the lease.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it has ended already; nothing is damaged by that
   */
  release(): void {
    if (this.#released) throw this.#stale('release');
    this.#owner.takeBack(this);
    this.#released = true;
    this.#bytes = undefined;
  }

  /** Ends the lease unless {@link release} has. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  #stale(action: string): MillraceError {
    return new MillraceError(
      'ERR_SLICE_STALE',
      `Cannot ${action} the slice of ${this.byteLength} bytes in slot ${this.ref} as it was released`,
    );
  }
}
