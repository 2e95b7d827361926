/**
 * What a histogram held when it was read: plain numbers of this thread, to be asked, merged and kept.
 *
 * Least, greatest and count are exact; mean and percentiles are within 1/64 of the truth.
 */
import { BUCKETS, LARGEST, leastIn, middleOf, widthOf } from './histogram-buckets.js';

/** What a {@link Histogram} had recorded at one moment: counts, quantiles, and what came between two. */
export class HistogramSnapshot {
  readonly #counts: Float64Array;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;

  /**
   * @param counts of each bucket; taken over, not copied
   * @param min the least value recorded
   * @param max the greatest value recorded
   */
  constructor(counts = new Float64Array(BUCKETS), min = Infinity, max = -Infinity) {
    this.#counts = counts;
    const first = counts.findIndex((count) => count > 0);
    if (first < 0) return;
    const last = counts.findLastIndex((count) => count > 0);
    this.#count = counts.reduce((sum, count) => sum + count, 0);
    // Writers went on while the counts were read: the extremes may belong to values not counted here.
    this.#min = within(min, first);
    this.#max = within(max, last);
  }

  /** How many values were recorded. */
  get count(): number {
    return this.#count;
  }

  /** The least value, 0 when there is none. */
  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  /** The greatest value, 0 when there is none. */
  get max(): number {
    return this.#count === 0 ? 0 : this.#max;
  }

  /** The mean, 0 when there are no values. */
  get mean(): number {
    if (this.#count === 0) return 0;
    let sum = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      if (count > 0) sum += count * this.#valueOf(bucket);
    }
    return sum / this.#count;
  }

  /**
   * The value that `percent` per cent of all values do not exceed, 0 when there are none.
   *
   * @param percent 0 (the least) to 100 (the greatest)
   */
  percentile(percent: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.ceil((Math.min(Math.max(percent, 0), 100) / 100) * this.#count);
    if (rank <= 1) return this.#min;
    if (rank >= this.#count) return this.#max;
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= rank) return this.#valueOf(bucket);
    }
    return this.#max;
  }

  /** Both together, as one new snapshot. */
  merged(other: HistogramSnapshot): HistogramSnapshot {
    const counts = this.#counts.map((count, bucket) => count + other.#counts[bucket]!);
    return new HistogramSnapshot(
      counts,
      Math.min(this.#min, other.#min),
      Math.max(this.#max, other.#max),
    );
  }

  /** What was recorded since `earlier`, a snapshot of the same histogram; the extremes are the buckets'. */
  since(earlier: HistogramSnapshot): HistogramSnapshot {
    return new HistogramSnapshot(
      this.#counts.map((count, bucket) => Math.max(0, count - earlier.#counts[bucket]!)),
      this.#min,
      this.#max,
    );
  }

  /** The buckets that hold something, in ascending order: for exporters. */
  *buckets(): Generator<{ from: number; to: number; count: number }> {
    for (const [bucket, count] of this.#counts.entries()) {
      const from = leastIn(bucket);
      if (count > 0) yield { from, to: from + widthOf(bucket) - 1, count };
    }
  }

  #valueOf(bucket: number): number {
    return Math.min(Math.max(middleOf(bucket), this.#min), this.#max);
  }
}

/** `value` if it lies in `bucket`, else the whole number there that is nearest. */
function within(value: number, bucket: number): number {
  const least = leastIn(bucket);
  const width = widthOf(bucket);
  if (value < least) return least;
  return value < least + width || value === LARGEST ? value : least + width - 1;
}
