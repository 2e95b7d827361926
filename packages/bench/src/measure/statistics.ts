/**
 * Medians and paired ratios.
 *
 * A machine that others use too slows down and speeds up by the minute. Two contenders that ran right
 * after one another met the same minute, so a ratio is taken within each round, and only then the
 * median over the rounds.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** The middle value, or the mean of the two in the middle. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) {
    throw new RangeError('Cannot take a median of no values');
  }
  return (lower + upper) / 2;
}

/** The value that this share of all values does not exceed: 0.99 for the 99th percentile. @throws RangeError for no values */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('Cannot take a quantile of no values');
  return value;
}

/** @throws RangeError for no values */
export function spreadOf(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    rounds: values.length,
  };
}

/** `theirs / ours`, round by round. @throws RangeError when the rounds do not pair up */
export function ratiosOf(theirs: readonly number[], ours: readonly number[]): number[] {
  if (theirs.length !== ours.length) {
    throw new RangeError(
      `Cannot pair rounds as their number must be the same: got ${theirs.length} and ${ours.length}`,
    );
  }
  return theirs.map((value, round) => value / ours[round]!);
}
