/** What the garbage collector costs, as long as somebody wants to know. */
import { GcImpactWatch } from '@millrace/workers/internal';
import { PerformanceObserver } from 'node:perf_hooks';
import { expect, onTestFinished, test, vi } from 'vitest';
import { until } from '../until.ts';

function watch(): GcImpactWatch {
  const made = new GcImpactWatch();
  onTestFinished(() => made.stop());
  return made;
}

/** Makes garbage of `kilobytes`, a little at a time. */
function litter(kilobytes: number): number {
  let sum = 0;
  for (let i = 0; i < kilobytes; i++) {
    const rubbish = Array.from({ length: 120 }, (_, at) => ({ at }));
    sum += rubbish.length;
  }
  return sum;
}

test('collections are counted, with their pauses and what they freed', async () => {
  const gc = watch();
  gc.start();
  await until(() => {
    litter(2000);
    return gc.figures().count >= 5;
  });
  const { count, pauseMs, longestPauseMs, freedBytes } = gc.figures();
  expect(longestPauseMs).toBeGreaterThan(0);
  expect(longestPauseMs).toBeLessThanOrEqual(pauseMs);
  expect(pauseMs).toBeLessThanOrEqual(count * longestPauseMs);
  expect(freedBytes).toBeGreaterThan(count * 1000);
});

test('off, it is disconnected and counts no more; on again, it goes on from there', async () => {
  const disconnected = vi.spyOn(PerformanceObserver.prototype, 'disconnect');
  const gc = watch();
  gc.start();
  gc.start();
  await until(() => {
    litter(2000);
    return gc.figures().count > 0;
  });
  gc.stop();
  gc.stop();
  expect(disconnected).toHaveBeenCalledTimes(1);
  disconnected.mockRestore();
  const then = gc.figures();
  const other = watch();
  other.start();
  await until(() => {
    litter(2000);
    return other.figures().count > 0;
  });
  expect(gc.figures()).toEqual(then);
  gc.start();
  await until(() => {
    litter(2000);
    return gc.figures().count > then.count;
  });
});

test('one that was never on has no observer', () => {
  const observed = vi.spyOn(PerformanceObserver.prototype, 'observe');
  const gc = watch();
  gc.stop();
  expect(gc.figures()).toMatchObject({ count: 0, pauseMs: 0, longestPauseMs: 0, freedBytes: 0 });
  expect(observed).not.toHaveBeenCalled();
  observed.mockRestore();
});
