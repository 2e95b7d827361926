/** What the garbage collector does to this thread while something runs. */
import { PerformanceObserver } from 'node:perf_hooks';

export interface Garbage {
  /** Collections. */
  readonly count: number;
  /** How long the thread stood still for them, together. */
  readonly pauseMs: number;
}

/** Runs `work` and tells what it had to be collected for. What was garbage before should be gone. */
export async function withGarbage<R>(
  work: () => R | Promise<R>,
): Promise<{ result: R; garbage: Garbage }> {
  let count = 0;
  let pauseMs = 0;
  let startedAt = Infinity;
  let endedAt = Infinity;
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) {
      if (startTime < startedAt || startTime > endedAt) continue;
      count++;
      pauseMs += duration;
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  await turns();
  startedAt = performance.now();
  try {
    const result = await work();
    endedAt = performance.now();
    await turns();
    return { result, garbage: { count, pauseMs } };
  } finally {
    observer.disconnect();
  }
}

/** Observers are told in a later turn of the event loop than the collection. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
