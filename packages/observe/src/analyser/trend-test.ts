/**
 * Which way a series goes, by tests that assume no distribution.
 *
 * Whether it rises or falls at all, the test of Mann (1945) and Kendall (1975) tells, at the 1 % level. Neighbours that are alike
 * count for less: S. Yue and C. Wang, "The Mann-Kendall test modified by effective sample size to detect trend in serially
 * correlated hydrological series" (2004).
 * How fast, the median of all slopes: Theil (1950), Sen (1968).
 */

export type TrendDirection = 'unknown' | 'increasing' | 'decreasing' | 'stable' | 'volatile';

/** With fewer points nothing can be said. */
const FEWEST = 10;
/** Two-sided, 1 %. */
const SIGNIFICANT = 2.5758;
/** A change over the whole series of less than this share of its mean is none. */
const NEGLIGIBLE = 0.05;
/** A series whose residuals deviate by more than this share of its mean is volatile. */
const VOLATILE = 0.5;

/**
 * The direction of values at equal distances.
 *
 * - `unknown`: fewer than 10 values
 * - `increasing`, `decreasing`: the Mann–Kendall test says so at the 1 % level, and the Theil–Sen line changes by at least
 *   5 % of the mean over the series
 * - `volatile`: no such trend, and the residuals about the Theil–Sen line have a coefficient of variation above 0.5
 * - `stable`: none of these
 */
export function trendOf(values: readonly number[]): TrendDirection {
  if (values.length < FEWEST) return 'unknown';
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (mean === 0) return 'stable';
  const slope = theilSenSlope(values);
  const change = (slope * (values.length - 1)) / mean;
  if (Math.abs(change) >= NEGLIGIBLE && Math.abs(mannKendallZ(values)) > SIGNIFICANT) {
    return change > 0 ? 'increasing' : 'decreasing';
  }
  const rest = withoutSlope(values, slope);
  const centre = rest.reduce((sum, value) => sum + value, 0) / rest.length;
  const squares = rest.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (rest.length - 1)) / Math.abs(mean) > VOLATILE ? 'volatile' : 'stable';
}

/**
 * The median of (yⱼ − yᵢ) / (j − i) over all i < j of the same season: change from one value to the next.
 *
 * @param season How many values make a round of seasons; 1 if there are none
 */
export function theilSenSlope(values: readonly number[], season = 1): number {
  const slopes: number[] = [];
  for (const [j, later] of values.entries()) {
    for (let i = j - season; i >= 0; i -= season) {
      slopes.push((later - (values[i] as number)) / (j - i));
    }
  }
  return median(slopes);
}

/**
 * Z = (S ∓ 1) / √Var(S), where S = Σ sign(yⱼ − yᵢ) over all i < j of the same season, and
 * Var(S) = Σ over seasons of (n(n − 1)(2n + 5) − Σ t(t − 1)(2t + 5)) / 18; t are the sizes of groups of equal values.
 * Without seasons it is multiplied by a factor for neighbours that are alike. With seasons it is the test of
 * R. M. Hirsch, J. R. Slack and R. A. Smith, "Techniques of trend analysis for monthly water quality data" (1982).
 */
export function mannKendallZ(values: readonly number[], season = 1): number {
  let s = 0;
  for (const [j, later] of values.entries()) {
    for (let i = j - season; i >= 0; i -= season) s += Math.sign(later - (values[i] as number));
  }
  let variance = 0;
  for (let of = 0; of < season; of++) {
    variance += varianceOfS(values.filter((_, at) => at % season === of));
  }
  if (season === 1) variance *= likenessFactor(values);
  return variance <= 0 ? 0 : (s - Math.sign(s)) / Math.sqrt(variance);
}

function varianceOfS(values: readonly number[]): number {
  const n = values.length;
  const equals = new Map<number, number>();
  for (const value of values) equals.set(value, (equals.get(value) ?? 0) + 1);
  let variance = n * (n - 1) * (2 * n + 5);
  for (const t of equals.values()) variance -= t * (t - 1) * (2 * t + 5);
  return variance / 18;
}

/**
 * By how much the variance of S is larger as neighbours are alike: (1 + ρ) / (1 − ρ), from 1 to 2. ρ is the correlation of neighbours
 * in what is left without the slope. At most 2, so that ten values which rise ever faster still are a rise; it is enough for a
 * wave to be none.
 */
function likenessFactor(values: readonly number[]): number {
  const rest = withoutSlope(values, theilSenSlope(values));
  const mean = rest.reduce((sum, value) => sum + value, 0) / rest.length;
  let products = 0;
  let squares = 0;
  for (const [at, value] of rest.entries()) {
    squares += (value - mean) ** 2;
    if (at > 0) products += (value - mean) * ((rest[at - 1] as number) - mean);
  }
  // Of a straight line nothing but rounding is left.
  if (squares <= 1e-18 * values.reduce((sum, value) => sum + value ** 2, 0)) return 1;
  const rho = products / squares;
  return rho >= 1 / 3 ? 2 : Math.max(1, (1 + rho) / (1 - rho));
}

function withoutSlope(values: readonly number[], slope: number): number[] {
  return values.map((value, at) => value - slope * at);
}

/** Sorts them. */
export function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  const upper = values[middle] ?? 0;
  return values.length % 2 === 1 ? upper : (upper + (values[middle - 1] ?? 0)) / 2;
}
