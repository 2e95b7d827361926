/**
 * Buckets of a histogram over 0 … 2^53: their bounds grow with the values, so that every value is
 * known to within 1/64 of itself.
 *
 *   0 … 63        one bucket a value
 *   64 … 127      32 buckets of 2
 *   128 … 255     32 buckets of 4, and so on: 32 for each power of two
 *
 * A bucket stands for the middle of its values, which is at most half its width away from any of them,
 * and its width is at most 1/32 of the least of them.
 *
 * Source: G. Tene's HdrHistogram.
 */

const SUB_BUCKET_BITS = 5;
const SUB_BUCKETS = 2 ** SUB_BUCKET_BITS;
const MOST_SHIFT = 53 - SUB_BUCKET_BITS - 1;
/** Above this, values are divided before they are shifted: shifts know 31 bits. */
const SHIFTABLE = 2 ** 31;
const SCALE_BITS = 22;
const SCALE = 2 ** SCALE_BITS;

/** It shares the last bucket with 2^53 − 1. */
export const LARGEST = 2 ** 53;
export const BUCKETS = (MOST_SHIFT + 2) * SUB_BUCKETS;

/** The bucket of `value`, from 0 to 2^53; fractions are cut off, and 2^53 counts as 2^53 − 1. */
export function bucketOf(value: number): number {
  if (value < SHIFTABLE) {
    const whole = value | 0;
    // From 64 on, so many bits are cut off that six are left.
    const shift = Math.max(0, 26 - Math.clz32(whole));
    return shift * SUB_BUCKETS + (whole >>> shift);
  }
  const scaled = (Math.min(value, Number.MAX_SAFE_INTEGER) / SCALE) | 0;
  const shift = 26 - Math.clz32(scaled);
  return (shift + SCALE_BITS) * SUB_BUCKETS + (scaled >>> shift);
}

/** The least value in a bucket. */
export function leastIn(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket;
  const shift = Math.floor(bucket / SUB_BUCKETS) - 1;
  return (bucket - shift * SUB_BUCKETS) * 2 ** shift;
}

/** How many whole values a bucket takes. */
export function widthOf(bucket: number): number {
  return bucket < 2 * SUB_BUCKETS ? 1 : 2 ** (Math.floor(bucket / SUB_BUCKETS) - 1);
}

/** The value that a bucket stands for. */
export function middleOf(bucket: number): number {
  return leastIn(bucket) + (widthOf(bucket) - 1) / 2;
}
