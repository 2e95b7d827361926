/**
 * A clock for the main thread that stands still while others have its processor: a machine that is busy with
 * something else makes figures noisy, and not large.
 *
 * What is left out is the time in which Linux says that the thread was ready to run and did not. On other
 * systems it is a plain clock.
 */
import { readFileSync } from 'node:fs';

/** Of the task that has the process's own number, which is the main thread. */
const FILE = '/proc/self/schedstat';

/** Runs `work`; how long that took, in nanoseconds. */
export async function withOwnTime<R>(
  work: () => Promise<R>,
): Promise<{ result: R; elapsedNs: number }> {
  const waitedNs = waitedSoFarNs();
  const startedAt = performance.now();
  const result = await work();
  const elapsedNs = (performance.now() - startedAt) * 1e6;
  return { result, elapsedNs: elapsedNs - (waitedSoFarNs() - waitedNs) };
}

/** Calls `step` until that has taken so many milliseconds, and twenty times as long by the clock at most. */
export async function repeat(step: () => Promise<void>, ms: number): Promise<void> {
  const clockEndsAt = performance.now() + 20 * ms;
  for (let leftNs = ms * 1e6; leftNs > 0 && performance.now() < clockEndsAt;) {
    leftNs -= (await withOwnTime(step)).elapsedNs;
  }
}

function waitedSoFarNs(): number {
  try {
    return Number(/^\d+ (\d+)/.exec(readFileSync(FILE, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
