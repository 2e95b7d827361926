/**
 * Slices that pass between a caller and whoever runs for it: lent with the arguments, handed over with
 * the result. Both are told of by notes: a handle's three numbers, or for a lent slice that comes back
 * the number under which it was lent.
 */
import { MillraceError, type BufferPools, type Slice } from '@millrace/core';
import { SHARED, stateOf, type SlotRef } from '@millrace/core/internal';
import { poolsOf, type Loan } from './loan.js';
import type { Note } from './parcel.js';

/**
 * The caller: lends `slice`, as the next of `lent`.
 *
 * @throws MillraceError `ERR_SLICE_FOREIGN`, `ERR_SLICE_STALE`
 */
export function lendingNote(slice: Slice, buffers: BufferPools, lent: Slice[]): Note {
  // What is borrowed may be lent on, for no longer.
  if (poolsOf(slice) !== buffers) {
    throw new MillraceError('ERR_SLICE_FOREIGN', 'Cannot lend a slice of another mill');
  }
  if (!slice.live) {
    throw new MillraceError('ERR_SLICE_STALE', 'Cannot lend a slice that was released');
  }
  lent.push(slice);
  return [slice.ref, slice.lease, slice.byteLength];
}

/**
 * The borrower: gives a lent slice back, or announces one of its own, which is to be handed over then.
 *
 * @throws MillraceError `ERR_SLICE_FOREIGN`, `ERR_SLICE_STALE`, `ERR_INVALID_ARG` when it is shared
 */
export function handingNote(
  slice: Slice,
  buffers: BufferPools,
  loan: Loan | undefined,
  own: Set<Slice>,
): Note {
  const index = loan?.indexOf(slice);
  if (index !== undefined) return [index];
  if (slice.owner !== buffers) {
    throw new MillraceError(
      'ERR_SLICE_FOREIGN',
      'Cannot return a slice that is of another mill, or was lent to another call',
    );
  }
  if (!slice.live) {
    throw new MillraceError('ERR_SLICE_STALE', 'Cannot return a slice that was released');
  }
  own.add(slice);
  if (stateOf(slice.lease) === SHARED) {
    throw new MillraceError('ERR_INVALID_ARG', 'Cannot return a slice that is shared');
  }
  return [slice.ref, slice.lease, slice.byteLength];
}

/** The caller: the slice that a result's note stands for; those that were not lent are added to `adopted`. */
export function takeOver(
  note: Note,
  buffers: BufferPools,
  lent: readonly Slice[],
  adopted: Slice[],
): Slice {
  if (note.length === 1) return lent[note[0]!]!;
  const slice = adopt(note, buffers);
  adopted.push(slice);
  return slice;
}

/** @throws MillraceError `ERR_SLICE_STALE` when it was swept with its thread */
export function adopt([ref, lease, byteLength]: Note, buffers: BufferPools): Slice {
  return buffers.adopt({ ref: ref as SlotRef, lease: lease!, byteLength: byteLength! });
}
