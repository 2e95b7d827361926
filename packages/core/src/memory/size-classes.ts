/**
 * The eight sizes in which memory is lent.
 *
 * All are multiples of a page, so that every slot is page-aligned, and all divide a slab.
 */
import { MillraceError } from '../errors.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Slot sizes in bytes, ascending. */
export const SIZE_CLASSES: readonly number[] = [
  4 * KiB,
  16 * KiB,
  32 * KiB,
  64 * KiB,
  128 * KiB,
  256 * KiB,
  1 * MiB,
  4 * MiB,
];

export const CLASS_COUNT = 8;

/**
 * Each class has two pools: pool `c` for all, and pool `c` + 8 over the reserve, for critical acquires.
 */
export const POOL_COUNT = 2 * CLASS_COUNT;

/** The size class of `pool`. */
export function classOfPool(pool: number): number {
  return pool & (CLASS_COUNT - 1);
}

/** The largest slice that can be leased, in bytes. */
export const LARGEST_CLASS_BYTES = 4 * MiB;

/** Of what is no size of a slice of one slot. */
const NO_CLASS = -1;

/** Class index by the leading zeros of `bytes - 1`: the class that is as large as that power of two, or the next one up. */
const CLASS_BY_ZEROS = Int8Array.from({ length: 33 }, (_, zeros) =>
  SIZE_CLASSES.findIndex((size) => size >= 2 ** (32 - zeros)),
);

/** The index of the smallest class that holds `bytes`, or −1 when none does, or that is no size. */
export function classFor(bytes: number): number {
  if (typeof bytes === 'number') {
    const last = bytes - 1;
    // An integer. Below 0, or too large, it has so few leading zeros that there is no class.
    if ((last | 0) === last) return CLASS_BY_ZEROS[Math.clz32(last)]!;
  }
  return NO_CLASS;
}

/**
 * The index of the smallest class that holds `bytes`.
 *
 * @throws MillraceError `ERR_SIZE` unless `bytes` is an integer from 1 to {@link LARGEST_CLASS_BYTES}
 */
export function classOf(bytes: number): number {
  const sizeClass = classFor(bytes);
  if (sizeClass !== NO_CLASS) return sizeClass;
  throw new MillraceError(
    'ERR_SIZE',
    `Cannot lease a slice of ${String(bytes)} bytes as the size must be an integer from 1 to ${LARGEST_CLASS_BYTES}`,
  );
}

/** Bytes of memory that a slice of `bytes` bytes takes: a slot, or neighbouring slabs above the largest class. */
export function slotBytesFor(bytes: number): number {
  const sizeClass = classFor(bytes);
  if (sizeClass !== NO_CLASS) return SIZE_CLASSES[sizeClass]!;
  return Math.ceil(bytes / LARGEST_CLASS_BYTES) * LARGEST_CLASS_BYTES;
}
