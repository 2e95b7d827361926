/**
 * Means of groups, each pulled towards the mean of all by as much as chance alone would explain their differences.
 *
 * Of pure noise nothing is left, of what is clearly different everything.
 */

/** With fewer degrees of freedom, the variance within groups is not known by that. */
const FEWEST = 12;

/**
 * For each group g, (mean of g − mean of all) × max(0, 1 − W/B): W is the variance within groups, B that of their means
 * times the number of values in a group. While hardly a group has two values, W is had from neighbours, since noise differs
 * between them as much as anywhere: half the mean square of their differences.
 *
 * Source: W. James and C. Stein, "Estimation with quadratic loss" (1961), in the form of empirical Bayes: B. Efron and
 * C. Morris (1973). Neighbours: J. von Neumann, "Distribution of the ratio of the mean square successive difference to the
 * variance" (1941).
 *
 * @param values in the order of time
 * @param least with a B/W of less than this, nothing is left. @defaultValue 1, below which nothing is left anyway
 * @returns For each group its difference from the mean of all; 0 for one without values
 */
export function shrunkMeans(
  values: ArrayLike<number>,
  groupOf: (at: number) => number,
  groups: number,
  least = 1,
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
  if (used < 2 || between === 0) return new Float64Array(groups);
  const freedom = values.length - used;
  let within = 0;
  for (let at = 0; at < values.length; at++) {
    within += ((values[at] as number) - mean - (differences[groupOf(at)] as number)) ** 2;
  }
  const noise = freedom < FEWEST ? betweenNeighbours(values) : within / freedom;
  const ratio = between / (used - 1) / noise;
  const factor = ratio > least ? 1 - 1 / ratio : 0;
  return differences.map((difference) => difference * factor);
}

function betweenNeighbours(values: ArrayLike<number>): number {
  let squares = 0;
  for (let at = 1; at < values.length; at++) {
    squares += ((values[at] as number) - (values[at - 1] as number)) ** 2;
  }
  return squares / 2 / (values.length - 1);
}
