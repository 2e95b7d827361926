// The slope of a line through points, by least squares, and how sure that is.

/**
 * @param {readonly { x: number, y: number }[]} points
 * @returns {{ slope: number, confidence: number }} With 95 % probability the slope is within `confidence` of what it is
 *   said to be, if the points scatter about a line independently of each other. Infinity with fewer than three
 */
export function slopeOf(points) {
  const count = points.length;
  if (count < 3) return { slope: 0, confidence: Infinity };
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / count;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const xx = mean(({ x }) => (x - meanX) ** 2);
  const xy = mean(({ x, y }) => (x - meanX) * (y - meanY));
  const slope = xy / xx;
  const scatter = mean(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2);
  const error = Math.sqrt(scatter / (count - 2) / xx);
  return { slope, confidence: studentT(count - 2) * error };
}

/** The two-sided 95 % quantile of Student's distribution, within 1 % from two degrees of freedom on. */
function studentT(freedom) {
  if (freedom === 1) return 12.706;
  // Cornish and Fisher's expansion about the normal distribution.
  const z = 1.959964;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return terms.reduce((sum, term, power) => sum + term / freedom ** (power + 1), z);
}
