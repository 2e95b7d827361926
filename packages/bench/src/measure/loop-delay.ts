/**
 * How late the main thread's event loop is: what a server's clients would feel meanwhile.
 *
 * Node samples it with a timer of 1 ms, and what it records is the whole time between two ticks. So an
 * idle loop shows a little more than 1 ms, and only the difference to idle is delay.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;

export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Runs `work` and watches the loop meanwhile. */
export async function withLoopDelay<R>(
  work: () => Promise<R>,
): Promise<{ result: R; delay: LoopDelay; elapsedMs: number }> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const startedAt = performance.now();
  try {
    const result = await work();
    const elapsedMs = performance.now() - startedAt;
    const delay = { p99Ms: histogram.percentile(99) / NS_PER_MS, maxMs: histogram.max / NS_PER_MS };
    return { result, delay, elapsedMs };
  } finally {
    histogram.disable();
  }
}

/** The same of a loop that has nothing to do for `durationMs`. */
export async function idleLoopDelay(durationMs: number): Promise<LoopDelay> {
  const { delay } = await withLoopDelay(() => sleep(durationMs));
  return delay;
}
