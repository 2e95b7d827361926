/**
 * A loan: slices that are lent, as to a worker for the time of one call. The borrower reads and writes them
 * where they lie; the lease stays the lender's, so the borrower can neither end it nor give it away.
 */
import { MillraceError, Slice, type BufferPools } from '@millrace/core';
import type { SliceKeeper, SliceOwner, SlotRef } from '@millrace/core/internal';
import type { Note } from './parcel.js';

export class Loan implements SliceOwner {
  readonly pools: BufferPools;
  readonly #slices = new Map<Slice, number>();

  constructor(pools: BufferPools) {
    this.pools = pools;
  }

  /** The lender's slice that `note` tells of, the first one lent being number 0. */
  lend([ref, lease, byteLength]: Note): Slice {
    const keeper = new Borrowed(this, () => slice);
    const slice: Slice = new Slice(keeper, ref as SlotRef, lease!, byteLength!);
    this.#slices.set(slice, this.#slices.size);
    return slice;
  }

  /** Its number; `undefined` when it is none of this loan. */
  indexOf(slice: Slice): number | undefined {
    return this.#slices.get(slice);
  }

  /** The call is over: the bytes may serve others from now on. */
  end(): void {
    for (const slice of this.#slices.keys()) {
      const { keeper, ref, byteLength } = slice;
      slice.become(keeper, { ref, lease: 0, byteLength });
    }
    this.#slices.clear();
  }

  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    return this.pools.viewOf(ref, length);
  }

  isLive(slice: Slice): boolean {
    return this.pools.isLive(slice);
  }

  share(slice: Slice): void {
    throw refused('share', slice);
  }

  resize(slice: Slice): void {
    throw refused('resize', slice);
  }

  tell(): void {}
}

/** The pools that a slice is of, be it on loan or not. */
export function poolsOf({ owner }: Slice): SliceOwner {
  return owner instanceof Loan ? owner.pools : owner;
}

/** How the borrower's lease ends: not by the borrower. */
class Borrowed implements SliceKeeper {
  readonly owner: SliceOwner;
  readonly #slice: () => Slice;

  constructor(owner: SliceOwner, slice: () => Slice) {
    this.owner = owner;
    this.#slice = slice;
  }

  takeBack(ref: SlotRef, lease: number): never {
    const slice = this.#slice();
    // It had let go already, and is to stay of use.
    slice.become(this, { ref, lease, byteLength: slice.byteLength });
    throw refused('release', slice);
  }

  checkHandOver(): void {
    throw refused('hand over', this.#slice());
  }
}

function refused(action: string, { byteLength, ref }: Slice): MillraceError {
  return new MillraceError(
    'ERR_SLICE_BORROWED',
    `Cannot ${action} the slice of ${byteLength} bytes in slot ${ref} as it is on loan: who lent it releases it`,
  );
}
