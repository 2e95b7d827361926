/** A clock that goes by looks, for tests of what depends on the time that work takes. */
import { onTestFinished, vi } from 'vitest';

/** From now on and until the test ends, each look at the clock finds it `stepMs` later than the last. */
export function useClock(stepMs: number): void {
  let nowMs = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += stepMs));
  onTestFinished(() => clock.mockRestore());
}
