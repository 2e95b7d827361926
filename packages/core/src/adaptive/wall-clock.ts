/** The time of day, for those who look often. */

/** To ask for it each time takes longer than to read the clock. */
const { timeOrigin } = performance;

/** Milliseconds since 1970; they never go back. */
export function wallClockMs(): number {
  return timeOrigin + performance.now();
}
