/**
 * Means of groups, each pulled towards the mean of all by as much as chance alone would explain their differences.
 *
 * Of pure noise nothing is left, of what is clearly different everything.
 */

/**
 * For each group g, (mean of g − mean of all) × max(0, 1 − W/B): W is the variance within groups, B that of their means
 * times the number of values in a group. Where no group has two values W cannot be known, and the factor is `ifUnknown`.
 *
 * Source: W. James and C. Stein, "Estimation with quadratic loss" (1961), in the form of empirical Bayes: B. Efron and
 * C. Morris (1973).
 *
 * @returns For each group its difference from the mean of all; 0 for one without values
 */
export function shrunkMeans(
  values: ArrayLike<number>,
  groupOf: (at: number) => number,
  groups: number,
  ifUnknown: number,
): Float64Array {
  const counts = new Float64Array(groups);
  const differences = new Float64Array(groups);
  let total = 0;
  for (let at = 0; at < values.length; at++) {
    const group = groupOf(at);
    counts[group] = (counts[group] as number) + 1;
    differences[group] = (differences[group] as number) + (values[at] as number);
    total += values[at] as number;
  }
  const mean = values.length === 0 ? 0 : total / values.length;
  let between = 0;
  let used = 0;
  for (let group = 0; group < groups; group++) {
    const count = counts[group] as number;
    if (count === 0) continue;
    const difference = (differences[group] as number) / count - mean;
    differences[group] = difference;
    between += count * difference * difference;
    used += 1;
  }
  let within = 0;
  for (let at = 0; at < values.length; at++) {
    within += ((values[at] as number) - mean - (differences[groupOf(at)] as number)) ** 2;
  }
  const factor = shareOfSignal(between, used - 1, within, values.length - used, ifUnknown);
  return differences.map((difference) => difference * factor);
}

/** 1 − W/B, from sums of squares and their degrees of freedom. */
function shareOfSignal(
  between: number,
  betweenFreedom: number,
  within: number,
  withinFreedom: number,
  ifUnknown: number,
): number {
  if (betweenFreedom <= 0 || between === 0) return 0;
  if (withinFreedom <= 0) return ifUnknown;
  return Math.max(0, 1 - within / withinFreedom / (between / betweenFreedom));
}
