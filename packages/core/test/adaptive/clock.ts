/** A clock that goes by looks, for tests of what depends on the time that work takes. */
import { onTestFinished, vi } from 'vitest';

/** From now on and until the test ends, each look at the clock finds it `stepMs` later than the last. */
export function useClock(stepMs: number): void {
  // A whole number, so that steps of a half, a quarter … of a millisecond add up exactly.
  let nowMs = Math.ceil(performance.now());
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += stepMs));
  onTestFinished(() => clock.mockRestore());
}
