/** The figures of an adaptive pool, field by field, and what detailed metrics add to them. */
import { AdaptiveBufferPool, BufferPools, type BufferPoolConfig } from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Usage } from '../../dist/adaptive/usage.js';
import { OWNER } from '../memory.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const UNTIMED = { count: 0, averageNs: 0, p50Ns: 0, p99Ns: 0, maxNs: 0 };
const NONE = { pooled: 0, chunked: 0, direct: 0 };

/** A clock that the test winds. */
function make(config: BufferPoolConfig = {}) {
  const clock = { now: 0, looks: 0 };
  const nowNs = (): number => {
    clock.looks++;
    return clock.now;
  };
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  const gc = { count: 3, pauseMs: 1.5, longestPauseMs: 1, freedBytes: 1000 };
  const pool = new AdaptiveBufferPool(pools, config, { nowNs, gcImpact: () => gc });
  return { pools, pool, clock, gc };
}

test('a new pool has done nothing, and says so in every field', () => {
  expect(make().pool.stats()).toEqual({
    totalGets: 0,
    totalPuts: 0,
    poolHits: 0,
    poolMisses: 0,
    activeBuffers: 0,
    smallObjectOps: 0,
    mediumObjectOps: 0,
    largeObjectOps: 0,
    veryLargeObjectOps: 0,
    pooledOperations: 0,
    chunkedOperations: 0,
    directOperations: 0,
    operations: { small: NONE, medium: NONE, large: NONE, veryLarge: NONE },
    averageLatencyNs: { small: 0, medium: 0, large: 0, veryLarge: 0 },
    latency: { small: UNTIMED, medium: UNTIMED, large: UNTIMED, veryLarge: UNTIMED },
    servedBytes: 0,
    allocatedBytes: 0,
    memoryEfficiency: 1,
    chunks: 0,
    waits: 0,
    queuedOperations: 0,
    degradations: { chunked: 0, direct: 0, emergency: 0 },
    recoveries: 0,
    degraded: false,
    leakedBuffers: 0,
  });
});

test('every field counts what its name says', async () => {
  const { pool, pools } = make({ acquireTimeoutMs: 1 });
  const source = new Uint8Array(2 * MiB);
  const copy = (size: number): unknown =>
    pool.copyBuffer(new Uint8Array(size), source.subarray(0, size), size);
  const small = pool.acquire(10);
  pool.acquire(40 * KiB).release();
  pool.acquire(300 * KiB).release();
  pool.acquire(1 * MiB).release();
  await copy(20);
  await copy(100 * KiB);
  await copy(256 * KiB);
  await copy(2 * MiB);
  const all = Array.from({ length: 3 }, () => pools.acquire(4 * MiB));
  const waiting = pool.acquireAsync(900 * KiB);
  const [taken, untaken] = [pools.tryAcquire(2 * MiB), await waiting];
  untaken.release();
  taken?.release();
  for (const slice of all) slice.release();
  const served =
    10 + 40 * KiB + 300 * KiB + 1 * MiB + 20 + 100 * KiB + 256 * KiB + 2 * MiB + 900 * KiB;
  const { allocatedBytes, chunks, ...stats } = pool.stats();
  const misses = stats.poolMisses;
  expect(stats).toMatchObject({
    totalGets: 9,
    totalPuts: 8,
    activeBuffers: 1,
    poolHits: 9 - misses,
    smallObjectOps: 2,
    mediumObjectOps: 2,
    largeObjectOps: 3,
    veryLargeObjectOps: 2,
    chunkedOperations: 1,
    pooledOperations: 8 - misses,
    directOperations: misses,
    servedBytes: served,
    leakedBuffers: 0,
  });
  expect(stats.operations.small).toEqual({ pooled: 2, chunked: 0, direct: 0 });
  expect(stats.operations.veryLarge).toEqual({ pooled: 0, chunked: 0, direct: 2 });
  // One chunk of the direct copy, one private buffer, and another if the slice was not to be had.
  expect(misses).toBeGreaterThanOrEqual(2);
  const chunk = pool.calculateOptimalChunkSize(2 * MiB);
  // What the direct copy goes through was there already.
  const places = (4 + 128 + 64) * KiB;
  expect(allocatedBytes).toBe(1 * MiB + places + (misses > 2 ? 900 * KiB : 0));
  expect(stats.memoryEfficiency).toBe(1 - allocatedBytes / served);
  expect(chunks).toBe(1 + 1 + 4 + (2 * MiB) / chunk);
  small.release();
  expect(pool.stats()).toMatchObject({ totalPuts: 9, activeBuffers: 0 });
});

test('without detailed metrics nobody looks at the clock for what is not large', async () => {
  const { pool, clock } = make();
  for (let i = 0; i < 100; i++) {
    pool.acquire(100_000).release();
    (await pool.acquireAsync(100)).release();
    await pool.copyBuffer(new Uint8Array(9), new Uint8Array(9), 9);
  }
  expect(clock.looks).toBe(0);
  expect(pool.stats().gc).toBeUndefined();
  expect(pool.leaks(0)).toEqual({ buffers: [], slices: [] });
});

test('with them each operation is timed from its begin to its end, by category', async () => {
  const { pool, clock, gc } = make({ enableDetailedMetrics: true });
  for (let i = 1; i <= 100; i++) {
    const buffer = pool.acquire(100);
    clock.now += i * 1000;
    buffer.release();
  }
  const big = pool.acquire(3 * MiB);
  clock.now += 5e6;
  big.release();
  await pool.copyBuffer({ write: () => void (clock.now += 7e5) }, new Uint8Array(50_000), 50_000);
  const { averageLatencyNs, latency, gc: seen } = pool.stats();
  expect(averageLatencyNs).toEqual({ small: 50_500, medium: 7e5, large: 0, veryLarge: 5e6 });
  expect(latency.small).toMatchObject({ count: 100, averageNs: 50_500, maxNs: 100_000 });
  expect(Math.abs(latency.small.p50Ns - 50_000)).toBeLessThan(50_000 / 64);
  expect(Math.abs(latency.small.p99Ns - 99_000)).toBeLessThan(99_000 / 64);
  expect(latency.large).toEqual(UNTIMED);
  expect(latency.veryLarge).toEqual({
    count: 1,
    averageNs: 5e6,
    p50Ns: 5e6,
    p99Ns: 5e6,
    maxNs: 5e6,
  });
  expect(seen).toEqual(gc);
});

test('with them one knows who has held a buffer for how long', () => {
  const { pool, clock } = make({ enableDetailedMetrics: true });
  const first = pool.acquire(100);
  clock.now = 50e6;
  const second = pool.acquire(2 * MiB);
  clock.now = 60e6;
  const leak = { forgotten: false };
  expect(pool.leaks(0).buffers).toEqual([
    { ...leak, byteLength: 100, category: 'small', strategy: 'pooled', heldMs: 60 },
    { ...leak, byteLength: 2 * MiB, category: 'veryLarge', strategy: 'direct', heldMs: 10 },
  ]);
  expect(pool.leaks(60).buffers.length).toBe(1);
  expect(pool.leaks(61).buffers).toEqual([]);
  first.release();
  second.release();
  expect(pool.leaks(0).buffers).toEqual([]);
});

test('a buffer that was forgotten is counted, and stays in the report', async () => {
  const { pool } = make({ enableDetailedMetrics: true });
  const kept = pool.acquire(100);
  (() => void pool.acquire(200))();
  pool.acquire(300).release();
  const collect = (globalThis as { gc?: () => void }).gc ?? (await exposedGc());
  while (pool.stats().leakedBuffers === 0) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(pool.stats().leakedBuffers).toBe(1);
  expect(pool.leaks(0).buffers.map(({ byteLength, forgotten }) => [byteLength, forgotten])).toEqual(
    [
      [100, false],
      [200, true],
    ],
  );
  kept.release();
});

async function exposedGc(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

test('watched slices are in the report of whoever asks', () => {
  const pools = BufferPools.create({ memory: 4 * MiB, safety: 'full' }, OWNER);
  const pool = new AdaptiveBufferPool(pools);
  const buffer = pool.acquire(1234);
  expect(pool.leaks(0).slices.map(({ byteLength }) => byteLength)).toEqual([1234]);
  buffer.release();
  expect(pool.leaks(0).slices).toEqual([]);
});

test('a clock that is set back does no harm', () => {
  const usage = new Usage(true);
  usage.took('small', -5);
  usage.took('small', 15);
  expect(usage.stats().latency.small).toMatchObject({ count: 2, averageNs: 7.5, maxNs: 15 });
});

test('gets, puts, hits, misses and bytes are those of a plain model', () => {
  const size = fc.oneof(
    fc.integer({ min: 1, max: 300 * KiB }),
    fc.integer({ min: 1 * MiB, max: 2 * MiB }),
  );
  const step = fc.oneof(
    fc.record({ acquire: size }),
    fc.record({ release: fc.nat() }),
    fc.record({ again: fc.nat() }),
    fc.record({ write: fc.nat() }),
  );
  const pools = BufferPools.create({ memory: 8 * MiB }, OWNER);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pool = new AdaptiveBufferPool(pools, {}, { nowNs: () => 0 });
      const held: { buffer: ReturnType<typeof pool.acquire>; size: number; mark: number }[] = [];
      const gone: typeof held = [];
      const model = { gets: 0, puts: 0, misses: 0, served: 0, allocated: 0, pooled: 0, denied: 0 };
      let mark = 0;
      for (const it of steps) {
        if ('acquire' in it) {
          const buffer = pool.acquire(it.acquire);
          expect(buffer.bytes.byteLength).toBe(it.acquire);
          mark = (mark + 1) % 256;
          buffer.bytes[0] = mark;
          held.push({ buffer, size: it.acquire, mark });
          model.gets++;
          model.served += it.acquire;
          if (buffer.strategy === 'pooled') model.pooled++;
          else {
            model.misses++;
            model.allocated += it.acquire;
            if (it.acquire < 1 * MiB) model.denied++;
          }
          if (it.acquire >= 1 * MiB) expect(buffer.strategy).toBe('direct');
        } else if ('release' in it && held.length > 0) {
          const [released] = held.splice(it.release % held.length, 1) as [(typeof held)[number]];
          released.buffer.release();
          gone.push(released);
          model.puts++;
        } else if ('again' in it && gone.length > 0) {
          expect(() => gone[it.again % gone.length]!.buffer.release()).toThrow('released');
        } else if ('write' in it && held.length > 0) {
          const one = held[it.write % held.length]!;
          one.mark = mark = (mark + 1) % 256;
          one.buffer.bytes[0] = mark;
        }
        // Nobody else's bytes are ever lent to anyone.
        for (const { buffer, mark: own } of held) expect(buffer.bytes[0]).toBe(own);
      }
      expect(pools.stats().slices.live).toBe(
        held.filter(({ buffer }) => buffer.strategy === 'pooled').length,
      );
      expect(pool.stats()).toMatchObject({
        totalGets: model.gets,
        totalPuts: model.puts,
        activeBuffers: held.length,
        poolHits: model.pooled,
        poolMisses: model.misses,
        servedBytes: model.served,
        allocatedBytes: model.allocated,
        pooledOperations: model.pooled,
        directOperations: model.misses,
        degradations: { chunked: 0, direct: model.denied, emergency: 0 },
      });
      for (const { buffer } of held) buffer.release();
    }),
    { numRuns: 1000 },
  );
  expect(pools.stats().slices.live).toBe(0);
});
