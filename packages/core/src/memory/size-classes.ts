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

/** Class index by the bit length of `bytes - 1`; a class above fits the bit length exactly or is the next one up. */
const CLASS_BY_BITS = Int8Array.from({ length: 33 }, (_, bits) =>
  SIZE_CLASSES.findIndex((size) => size >= 2 ** bits),
);

/**
 * The index of the smallest class that holds `bytes`.
 *
 * @throws MillraceError `ERR_SIZE` unless `bytes` is an integer from 1 to {@link LARGEST_CLASS_BYTES}
 */
export function classOf(bytes: number): number {
  if (
    typeof bytes !== 'number' ||
    (bytes | 0) !== bytes ||
    bytes < 1 ||
    bytes > LARGEST_CLASS_BYTES
  ) {
    throw new MillraceError(
      'ERR_SIZE',
      `Cannot lease a slice of ${String(bytes)} bytes as the size must be an integer from 1 to ${LARGEST_CLASS_BYTES}`,
    );
  }
  return CLASS_BY_BITS[32 - Math.clz32(bytes - 1)]!;
}
