/**
 * Size categories: what an object of so many bytes is to an adaptive pool. Lower bounds are inclusive.
 *
 *   0 ─── small ─── 32 KiB ─── medium ─── largeObjectThreshold ─── large ─── veryLargeObjectThreshold ─── very large
 */

/** By size: see `BufferPoolConfig` for the bounds of the upper two. */
export type ObjectCategory = 'small' | 'medium' | 'large' | 'veryLarge';

/** Objects of fewer bytes are small. */
export const SMALL_BYTES = 32 * 1024;

/** Where large and very large objects begin, in bytes. */
export interface Thresholds {
  readonly largeObjectThreshold: number;
  readonly veryLargeObjectThreshold: number;
}

/** The category of an object of `size` bytes; of unknown size it may be very large, and counts as that. */
export function categoryOf(thresholds: Thresholds, size: number | undefined): ObjectCategory {
  if (size === undefined || size >= thresholds.veryLargeObjectThreshold) return 'veryLarge';
  if (size >= thresholds.largeObjectThreshold) return 'large';
  return size >= SMALL_BYTES ? 'medium' : 'small';
}
