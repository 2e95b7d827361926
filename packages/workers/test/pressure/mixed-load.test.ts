/** A hundred thousand objects of all sizes while memory is short, and with next to no memory at all. */
import { AdaptiveBufferPool, BufferPools, MemoryManager, type Degradation } from '@millrace/core';
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { MixedLoad } from './mixed-load.mjs';

const KiB = 2 ** 10;
const MiB = 2 ** 20;
const OPERATIONS = 100_000;
const LIMIT_BYTES = 256 * MiB;

/**
 * How much a neighbour takes of the limit as time goes on: it comes, takes nearly all, and leaves. What it takes
 * keeps a level that was entered even when the pools have given all back.
 */
function neighbourAt(begun: number): number {
  const part = begun / OPERATIONS;
  if (part < 0.2 || part >= 0.7) return 32 * MiB;
  return part < 0.45 ? 195 * MiB : 228 * MiB;
}

/** With memory enough, the load goes on until all is well again. */
async function recovered(pool: AdaptiveBufferPool, load: MixedLoad): Promise<void> {
  await until(async () => {
    await load.run(100);
    return !pool.stats().degraded;
  });
  expect(load.wrong).toBe(0);
}

test('100,000 operations of mixed sizes under a limit complete, with less while memory is short', async () => {
  const pools = BufferPools.create({ memory: 16 * MiB }, 0, { onRenewal: () => {} });
  let neighbour = 0;
  const memory = new MemoryManager(pools, {}, [
    () => ({ source: 'limit', usedBytes: neighbour + pools.openBytes, limitBytes: LIMIT_BYTES }),
  ]);
  const pool = new AdaptiveBufferPool(
    pools,
    { enableDetailedMetrics: true, acquireTimeoutMs: 50 },
    { memory },
  );
  const news: Degradation[] = [];
  pool.onDegraded((it) => void news.push(it));
  const levels: string[] = [];
  memory.onPressure(({ pressure }) => void levels.push(pressure));

  const load = new MixedLoad(pool);
  await load.run(OPERATIONS, {
    each(begun) {
      neighbour = neighbourAt(begun);
      if (begun % 200 !== 0) return;
      memory.sample();
      memory.relieve();
    },
  });

  expect({ done: load.done, wrong: load.wrong }).toEqual({ done: OPERATIONS, wrong: 0 });
  expect(levels).toEqual(['elevated', 'critical', 'normal']);
  const stats = pool.stats();
  expect(stats.degradations.chunked, 'under elevated pressure').toBeGreaterThan(1000);
  expect(stats.degradations.emergency, 'under critical pressure').toBeGreaterThan(10_000);
  expect(stats.recoveries).toBeGreaterThan(0);
  const operations =
    stats.smallObjectOps + stats.mediumObjectOps + stats.largeObjectOps + stats.veryLargeObjectOps;
  expect(operations).toBe(OPERATIONS);
  const told = news.filter(({ kind }) => kind === 'degraded').length;
  expect(told).toBeGreaterThan(0);
  expect(told, 'each step is told once an episode').toBeLessThanOrEqual(3 * (stats.recoveries + 1));

  expect(stats.activeBuffers).toBe(0);
  expect(stats.totalPuts).toBe(stats.totalGets);
  expect(stats.leakedBuffers).toBe(0);
  await recovered(pool, load);
  expect(pool.leaks(0)).toEqual({ buffers: [], slices: [] });
  expect(pools.stats().slices.live).toBe(0);
  expect(memory.currentMemoryUsage).toBe(0);
  while (memory.rest().more) {
    // Until all has been looked at.
  }
  expect(pools.openBytes).toBe(0);
});

test.each([
  ['that nobody waits for', 20_000, 0],
  ['that others wait for', 2000, 3],
])('with one slot of 4 KiB %s everything completes', async (_, count, acquireTimeoutMs) => {
  const pools = BufferPools.create({ memory: 4 * MiB }, 0);
  const kept = Array.from({ length: 1023 }, () => pools.acquire(4 * KiB));
  const pool = new AdaptiveBufferPool(pools, { acquireTimeoutMs });
  const load = new MixedLoad(pool, 2);
  await load.run(count);
  expect({ done: load.done, wrong: load.wrong }).toEqual({ done: count, wrong: 0 });
  const stats = pool.stats();
  expect(stats.poolHits, 'the slot is used').toBeGreaterThan(0);
  expect(stats.degradations.chunked + stats.degradations.direct).toBeGreaterThan(0);
  expect(stats.activeBuffers).toBe(0);
  expect(pools.stats().slices.live).toBe(kept.length);
});

test('with one slot, and a manager that finds the pools all but full, everything completes', async () => {
  const pools = BufferPools.create({ memory: 4 * MiB }, 0);
  const kept = Array.from({ length: 1023 }, () => pools.acquire(4 * KiB));
  const memory = new MemoryManager(pools);
  expect(memory.sample()).toBe('critical');
  const pool = new AdaptiveBufferPool(pools, { acquireTimeoutMs: 3 }, { memory });
  const load = new MixedLoad(pool, 3);
  await load.run(5000);
  expect({ done: load.done, wrong: load.wrong }).toEqual({ done: 5000, wrong: 0 });
  expect(pool.stats().degradations.emergency).toBeGreaterThan(0);
  for (const slice of kept) slice.release();
  expect(memory.sample()).toBe('normal');
  await recovered(pool, load);
  expect(pool.stats().activeBuffers).toBe(0);
  expect(pools.stats().slices.live).toBe(0);
});
