/**
 * Geometry: where the bytes of a slot lie in its slab, and those of a slab in its arena.
 *
 *   off      │ slot │ slot │ slot │ …                          slots touch
 *   guarded  │ guard │ slot │ guard │ slot │ … │ guard │       a page before and after every slot
 *
 * Guards are a page, so that slots stay page-aligned. A guarded slab is five pages longer than an
 * unguarded one, so that a slot of 4 MiB or four of 1 MiB still fit.
 */
import { SLAB_BYTES, SLOTS_PER_SLAB } from './layout.js';
import { SIZE_CLASSES, classOfPool } from './size-classes.js';

export const PAGE_BYTES = 4096;
const GUARD_PAGES_PER_SLAB = 5;

export class Geometry {
  /** Bytes before and after every slot: 0 or a page. */
  readonly guard: number;
  /** Bytes from one slab to the next. */
  readonly slabStride: number;
  /** Slots in a slab, by size class. */
  readonly slots: readonly number[];

  /** @param guard 0, or {@link PAGE_BYTES} where slices are guarded */
  constructor(guard: number) {
    this.guard = guard;
    this.slabStride = SLAB_BYTES + (guard === 0 ? 0 : GUARD_PAGES_PER_SLAB * PAGE_BYTES);
    this.slots = SIZE_CLASSES.map((size) =>
      Math.min(SLOTS_PER_SLAB, Math.floor((this.slabStride - guard) / (size + guard))),
    );
  }

  /** Where slot `slot` of a slab of `pool` begins, in bytes from the beginning of the slab. */
  offsetOf(pool: number, slot: number): number {
    return this.guard + slot * (SIZE_CLASSES[classOfPool(pool)]! + this.guard);
  }

  /** Slabs that a slice of `bytes` bytes takes when no size class holds it. */
  slabsFor(bytes: number): number {
    return Math.ceil((bytes + 2 * this.guard) / this.slabStride);
  }

  /** The most bytes of a slice that takes `slabs` slabs. */
  bytesOf(slabs: number): number {
    return slabs * this.slabStride - 2 * this.guard;
  }
}
