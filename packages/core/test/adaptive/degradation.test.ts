/** The ladder: what is taken when memory cannot be had, that all completes nevertheless, and the way back. */
import {
  AdaptiveBufferPool,
  BufferPools,
  MemoryManager,
  type AdaptiveServices,
  type BufferPoolConfig,
  type Degradation,
  type MemoryPressure,
  type Slice,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Ladder } from '../../dist/adaptive/degradation.js';
import { OWNER, leaseEverything } from '../memory.ts';
import { PatternReader, PatternWriter } from './ends.ts';
import { rejectionOf } from './rejection.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const S = 1e9;

/** Memory whose shortness the test decides. */
class Memory {
  pressure: MemoryPressure = 'normal';
  readonly asked: number[] = [];
  requireMemory(bytes: number): void {
    this.asked.push(bytes);
  }
}

function make(config: BufferPoolConfig = {}, services: AdaptiveServices = {}, bytes = 4 * MiB) {
  const pools = BufferPools.create({ memory: bytes }, OWNER);
  // Time stands still, so that nothing ends by itself.
  const clock = { nowNs: () => 0 };
  const pool = new AdaptiveBufferPool(
    pools,
    { acquireTimeoutMs: 0, ...config },
    { ...clock, ...services },
  );
  const news: Degradation[] = [];
  pool.onDegraded((it) => news.push(it));
  const copy = async (size: number, declared: number | undefined = size): Promise<void> => {
    const writer = new PatternWriter({ paces: ['soon'] });
    expect(await pool.copyBuffer(writer, new PatternReader(size), declared)).toBe(size);
    expect([writer.taken, writer.wrong]).toEqual([size, 0]);
  };
  const expectNothingHeld = (): void => {
    expect(pools.stats().slices.live).toBe(0);
    expect(pool.stats().activeBuffers).toBe(0);
  };
  return { pools, pool, news, copy, expectNothingHeld };
}

const stepsOf = (news: readonly Degradation[]): string[] =>
  news.map((it) => (it.kind === 'degraded' ? `${it.from} to ${it.to}: ${it.cause}` : it.kind));

test('with no slice of its size an object goes in smaller ones', async () => {
  const { pools, pool, news, copy, expectNothingHeld } = make({ maxBufferSize: 2 * MiB });
  // All of the one slab serves slices of 16 KiB.
  const held = Array.from({ length: 200 }, () => pools.acquire(16 * KiB));
  await copy(200 * KiB);
  await copy(512 * KiB);
  expect(pool.stats()).toMatchObject({ degradations: { chunked: 2, direct: 0, emergency: 0 } });
  expect(pool.stats()).toMatchObject({ poolMisses: 0, degraded: true, recoveries: 0 });
  for (const slice of held) slice.release();
  await copy(512 * KiB);
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 1 });
  expect(stepsOf(news)).toEqual(['pooled to chunked: exhausted', 'recovered']);
  expectNothingHeld();
});

test('with no slice at all an object goes directly', async () => {
  const { pools, pool, news, copy, expectNothingHeld } = make();
  const held = leaseEverything(pools);
  for (const size of [1, 200 * KiB, 512 * KiB]) await copy(size);
  expect(pool.stats().degradations).toEqual({ chunked: 0, direct: 3, emergency: 0 });
  expect(pool.stats()).toMatchObject({ pooledOperations: 2, chunkedOperations: 1 });
  for (const slice of held) slice.release();
  await copy(1);
  expect(pool.stats().degraded).toBe(true);
  await copy(512 * KiB);
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 1 });
  expect(stepsOf(news)).toEqual(['pooled to direct: exhausted', 'recovered']);
  expectNothingHeld();
});

test('private memory that stands in for slices is used again, whatever the sizes', async () => {
  const { pools, pool, copy, expectNothingHeld } = make();
  const held = leaseEverything(pools);
  for (let size = 5000; size < 5100; size++) await copy(size);
  expect(pool.stats()).toMatchObject({ poolMisses: 100, allocatedBytes: 16 * KiB });
  for (const slice of held) slice.release();
  expectNothingHeld();
});

test('a pool that has done well until now goes down like a new one', async () => {
  const { pools, pool, expectNothingHeld } = make();
  const bytes = new Uint8Array(200 * KiB);
  const copyAll = async (): Promise<void> => {
    for (const size of [9, 5000, 200 * KiB]) {
      const [to, from] = [bytes.subarray(0, size), new Uint8Array(size).fill(size)];
      to.fill(0);
      expect(await pool.copyBuffer(to, from, size)).toBe(size);
      expect(to).toEqual(from);
    }
  };
  for (let i = 0; i < 3; i++) await copyAll();
  expect(pool.stats()).toMatchObject({ poolHits: 9, poolMisses: 0, pooledOperations: 9 });
  const held = leaseEverything(pools);
  await copyAll();
  expect(pool.stats()).toMatchObject({ poolMisses: 3, degradations: { direct: 3 } });
  for (const slice of held) slice.release();
  await copyAll();
  expect(pool.stats()).toMatchObject({ poolMisses: 3, degraded: false, recoveries: 1 });
  expectNothingHeld();
});

test('who waits for a slice and gets it has not gone down', async () => {
  const { pools, pool, copy, expectNothingHeld } = make({ acquireTimeoutMs: 60_000 });
  const held = leaseEverything(pools);
  const copies = [1, 200 * KiB, 512 * KiB].map((size) => copy(size));
  expect(pool.stats().waits).toBe(3);
  for (const slice of held) slice.release();
  await Promise.all(copies);
  expect(pool.stats()).toMatchObject({ poolMisses: 0, degraded: false });
  expectNothingHeld();
});

test('who waits in vain goes on after its time', async () => {
  const { pools, pool, news, copy, expectNothingHeld } = make({ acquireTimeoutMs: 5 });
  const held = leaseEverything(pools);
  await Promise.all([1, 200 * KiB, 512 * KiB].map((size) => copy(size)));
  expect(pool.stats()).toMatchObject({ waits: 3, degradations: { direct: 3 } });
  expect(news.length).toBe(1);
  for (const slice of held) slice.release();
  expectNothingHeld();
});

test('who is aborted while it waits for a slice lets go of it', async () => {
  const { pools, pool, expectNothingHeld } = make({ acquireTimeoutMs: 60_000 });
  const held = leaseEverything(pools);
  const ending = new AbortController();
  const { signal } = ending;
  const writer = new PatternWriter();
  const copy = rejectionOf(pool.copyBuffer(writer, new PatternReader(9), 9, { signal }));
  ending.abort();
  expect((await copy).code).toBe('ERR_ABORTED');
  for (const slice of held) slice.release();
  expectNothingHeld();
});

test.each([4 * KiB, 64 * KiB, 256 * KiB, 1 * MiB, 4 * MiB])(
  'with one free slot, of %d bytes, everything completes',
  async (slot) => {
    const { pools, pool, copy, expectNothingHeld } = make({ acquireTimeoutMs: 2 });
    const held = leaseAllBut(pools, slot);
    const sizes = [1, 5000, 40_000, 200_000, 300_000, 700_000, 1_100_000, 3_000_000];
    await Promise.all(sizes.flatMap((size) => [copy(size), copy(size), copy(size)]));
    expect(pool.stats().activeBuffers).toBe(0);
    for (const slice of held) slice.release();
    await copy(700_000);
    expectNothingHeld();
  },
);

/** Leases all memory in pieces of `slot` bytes, but one of them. */
function leaseAllBut(pools: BufferPools, slot: number): Slice[] {
  const slices: Slice[] = [];
  for (;;) {
    const slice = pools.tryAcquire(slot);
    if (!slice) break;
    slices.push(slice);
  }
  slices.pop()?.release();
  return slices;
}

test('under elevated pressure chunks are smaller, one at a time, and nothing is pooled whole', async () => {
  const memory = new Memory();
  const { pools, pool, news, copy, expectNothingHeld } = make({}, { memory });
  memory.pressure = 'elevated';
  const places = new Set<string>();
  for (const size of [1, 200 * KiB, 512 * KiB, 2 * MiB]) {
    const writer = new PatternWriter({ paces: ['later'] });
    expect(await pool.copyBuffer(writer, new PatternReader(size), size)).toBe(size);
    expect(writer.wrong).toBe(0);
    expect(writer.places.size).toBe(1);
    for (const place of writer.places) places.add(place);
  }
  expect(pool.stats().degradations).toEqual({ chunked: 2, direct: 0, emergency: 0 });
  expect(pool.stats().operations.medium).toEqual({ pooled: 0, chunked: 1, direct: 0 });
  expect(pool.stats().chunks).toBeGreaterThan(2 + 200 / 32 + 512 / 32 + 2048 / 32 - 3);
  expect(stepsOf(news)).toEqual(['pooled to chunked: pressure']);
  memory.pressure = 'normal';
  await copy(512 * KiB);
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 1 });
  expect(pools.stats().slices.live).toBe(0);
  expectNothingHeld();
});

test('under critical pressure everything goes by the least of private memory, and comes back by itself', async () => {
  const memory = new Memory();
  const { pools, pool, news, copy, expectNothingHeld } = make({}, { memory });
  memory.pressure = 'critical';
  const leased = pools.stats().slices.leased;
  for (const size of [1, 200 * KiB, 512 * KiB, 2 * MiB]) await copy(size);
  expect(pools.stats().slices.leased).toBe(leased);
  expect(pool.stats()).toMatchObject({
    degradations: { chunked: 0, direct: 0, emergency: 4 },
    directOperations: 4,
    allocatedBytes: 4 * KiB,
    poolMisses: 4,
    degraded: true,
  });
  // It is there however short memory is.
  expect(memory.asked).toEqual([]);
  memory.pressure = 'normal';
  await copy(1);
  expect(pool.stats().degraded).toBe(true);
  await copy(2 * MiB);
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 1 });
  expect(stepsOf(news)).toEqual(['pooled to emergency: pressure', 'recovered']);
  expectNothingHeld();
});

test('memory that is refused is done without, down to the least', async () => {
  const memory = new Memory();
  memory.pressure = 'elevated';
  const { pools, pool, copy, expectNothingHeld } = make({}, { memory });
  const refusal = await outOfMemory();
  memory.requireMemory = (bytes) => {
    memory.asked.push(bytes);
    throw refusal;
  };
  const held = leaseEverything(pools);
  for (const size of [5000, 512 * KiB, 2 * MiB]) await copy(size);
  expect(pool.stats().degradations.emergency).toBe(3);
  expect(Math.min(...memory.asked)).toBeGreaterThan(4 * KiB);
  expect((await rejectionOf(pool.acquireAsync(512 * KiB))).code).toBe('ERR_OUT_OF_MEMORY');
  for (const slice of held) slice.release();
  expectNothingHeld();
});

/** What a memory manager refuses with. */
async function outOfMemory(): Promise<Error> {
  const pools = BufferPools.create({ memory: 4 * MiB }, OWNER);
  return rejectionOf(new AdaptiveBufferPool(pools).acquireAsync(2 ** 52));
}

test('a memory manager says how short memory is, and the error says what is left', async () => {
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  const reading = { source: 'probe', usedBytes: 0, limitBytes: 100 * MiB };
  const manager = new MemoryManager(
    pools,
    { memoryPressureThreshold: 4 * MiB, criticalThreshold: 8 * MiB },
    [() => reading],
  );
  const pool = new AdaptiveBufferPool(pools, {}, { memory: manager });
  const source = new Uint8Array(200 * KiB).fill(9);
  const copyAt = async (lentBytes: number, usedBytes: number): Promise<unknown> => {
    using lent = lentBytes > 0 ? pools.acquire(lentBytes) : undefined;
    reading.usedBytes = usedBytes;
    manager.sample();
    const before = pool.stats().operations.medium;
    await pool.copyBuffer(new Uint8Array(source.length), source, source.length);
    const after = pool.stats().operations.medium;
    expect(lent?.live).not.toBe(false);
    return {
      pressure: manager.pressure,
      pooled: after.pooled - before.pooled,
      chunked: after.chunked - before.chunked,
      direct: after.direct - before.direct,
    };
  };
  const none = { pooled: 0, chunked: 0, direct: 0 };
  expect(await copyAt(0, 0)).toEqual({ ...none, pressure: 'normal', pooled: 1 });
  expect(await copyAt(4 * MiB, 0)).toEqual({ ...none, pressure: 'elevated', chunked: 1 });
  expect(await copyAt(8 * MiB, 0)).toEqual({ ...none, pressure: 'critical', direct: 1 });
  expect(await copyAt(0, 0)).toEqual({ ...none, pressure: 'normal', pooled: 1 });
  expect(await copyAt(0, 96 * MiB)).toEqual({ ...none, pressure: 'critical', direct: 1 });
  expect(pool.stats().degraded).toBe(true);
  const error = await rejectionOf(pool.acquireAsync(5 * MiB));
  expect(error.code).toBe('ERR_OUT_OF_MEMORY');
  expect(error.message).toContain(`${5 * MiB} bytes that "maxBufferSize" asks for`);
  expect(error.message).toContain(`${4 * MiB} bytes are left`);
  expect(await copyAt(0, 10 * MiB)).toEqual({ ...none, pressure: 'normal', pooled: 1 });
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 2, activeBuffers: 0 });
  expect(pool.stats().degradations).toEqual({ chunked: 1, direct: 0, emergency: 2 });
});

test('100,000 operations under pressure that comes and goes leave nothing behind', async () => {
  const memory = new Memory();
  const { pool, expectNothingHeld } = make({ acquireTimeoutMs: 1 }, { memory });
  const levels: MemoryPressure[] = ['normal', 'elevated', 'critical', 'normal'];
  const source = new Uint8Array(1 * MiB).fill(3);
  const into = new Uint8Array(1 * MiB);
  let seed = 42;
  const random = (most: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return seed % most;
  };
  let copied = 0;
  let wanted = 0;
  for (let i = 0; i < 100_000; i++) {
    if (i % 500 === 0) memory.pressure = levels[(i / 500) % levels.length]!;
    const size = 1 + random(i % 200 === 0 ? 1 * MiB : i % 10 === 0 ? 100 * KiB : 2 * KiB);
    wanted += size;
    if (i % 3 === 0) {
      using buffer = pool.acquire(size);
      copied += buffer.bytes.byteLength;
    } else {
      copied += await pool.copyBuffer(into.subarray(0, size), source.subarray(0, size), size);
    }
  }
  expect(copied).toBe(wanted);
  const { degradations, recoveries, degraded } = pool.stats();
  expect(degradations.emergency).toBeGreaterThan(1000);
  expect(degradations.chunked).toBeGreaterThan(100);
  expect(recoveries).toBeGreaterThan(10);
  expect(degraded).toBe(false);
  expectNothingHeld();
});

test('an episode is told once, step by step, and its end once', () => {
  let now = 0;
  const ladder = new Ladder(() => now);
  const news: Degradation[] = [];
  const stop = ladder.onDegraded((it) => news.push(it));
  for (let i = 0; i < 100; i++) ladder.down('pooled', 'chunked', 'exhausted', 100);
  for (let i = 0; i < 100; i++) ladder.down('chunked', 'direct', 'exhausted', 50);
  ladder.had('chunked', 49);
  ladder.had('direct', 1000);
  expect(ladder.degraded).toBe(true);
  now = 0.25 * S;
  ladder.had('pooled', 50);
  expect(ladder.degraded).toBe(false);
  expect(stepsOf(news)).toEqual([
    'pooled to chunked: exhausted',
    'chunked to direct: exhausted',
    'recovered',
  ]);
  expect(news[2]).toMatchObject({ steps: 200, lastedMs: 250 });
  stop();
  now = 10 * S;
  ladder.down('pooled', 'chunked', 'pressure', 1);
  expect(news.length).toBe(3);
  expect(ladder.stats()).toEqual({
    degradations: { chunked: 101, direct: 100, emergency: 0 },
    recoveries: 1,
    degraded: true,
  });
});

test('a pool that goes up and down all the time is told of once a second', () => {
  let now = 0;
  const ladder = new Ladder(() => now);
  const news: Degradation[] = [];
  ladder.onDegraded((it) => news.push(it));
  for (let i = 0; i < 3000; i++) {
    now += 1e6;
    ladder.down('pooled', 'direct', 'exhausted', 10);
    ladder.had('pooled', 10);
  }
  expect(ladder.stats()).toMatchObject({ degradations: { direct: 3000 }, recoveries: 3000 });
  expect(stepsOf(news).filter((it) => it !== 'recovered').length).toBe(3);
  expect(news.length).toBe(6);
});

test('what lasts is told at last, even if it began in silence', () => {
  let now = 0;
  const ladder = new Ladder(() => now);
  const news: Degradation[] = [];
  ladder.onDegraded((it) => news.push(it));
  ladder.down('pooled', 'direct', 'exhausted', 10);
  ladder.had('pooled', 10);
  expect(news.length).toBe(2);
  for (let i = 0; i < 30; i++) {
    now += 0.1 * S;
    ladder.down('pooled', 'direct', 'exhausted', 10);
  }
  expect(stepsOf(news)).toEqual([
    'pooled to direct: exhausted',
    'recovered',
    'pooled to direct: exhausted',
  ]);
});

test('all is well when nothing was denied for a second, whatever was had', () => {
  let now = 0;
  const ladder = new Ladder(() => now);
  ladder.down('pooled', 'direct', 'exhausted', 1000);
  now = 1 * S - 1;
  ladder.had('pooled', 1);
  expect(ladder.stats().degraded).toBe(true);
  now = 1 * S;
  expect(ladder.stats()).toMatchObject({ degraded: false, recoveries: 1 });
});

test('a listener that throws harms nobody', () => {
  const errors: unknown[] = [];
  const { error } = console;
  console.error = (it: unknown) => errors.push(it);
  try {
    const ladder = new Ladder(() => 0);
    const news: Degradation[] = [];
    ladder.onDegraded(() => {
      throw new Error('mine');
    });
    ladder.onDegraded((it) => news.push(it));
    ladder.down('pooled', 'direct', 'exhausted', 1);
    expect(news.length).toBe(1);
    expect(errors).toEqual([new Error('mine')]);
  } finally {
    console.error = error;
  }
});

test('a ladder is degraded as long as something has been denied and not had since', () => {
  const step = fc.oneof(
    fc.record({ down: fc.boolean(), bytes: fc.integer({ min: 1, max: 5 }), direct: fc.boolean() }),
    fc.record({ waitNs: fc.integer({ min: 0, max: 2 * S }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0;
      const ladder = new Ladder(() => now);
      let told = 0;
      ladder.onDegraded(() => told++);
      let denied: { bytes: number; direct: boolean; at: number } | undefined;
      let recoveries = 0;
      let taken = 0;
      for (const it of steps) {
        if ('waitNs' in it) now += it.waitNs;
        if (denied && now - denied.at >= S && !('waitNs' in it)) {
          denied = undefined;
          recoveries++;
        }
        if ('down' in it && it.down) {
          ladder.down(it.direct ? 'direct' : 'pooled', 'emergency', 'pressure', it.bytes);
          denied = { bytes: it.bytes, direct: it.direct, at: now };
          taken++;
        } else if ('down' in it) {
          ladder.had(it.direct ? 'direct' : 'chunked', it.bytes);
          if (denied && denied.direct === it.direct && it.bytes >= denied.bytes) {
            denied = undefined;
            recoveries++;
          }
        }
        expect(ladder.degraded || !denied).toBe(true);
      }
      if (denied && now - denied.at >= S) {
        denied = undefined;
        recoveries++;
      }
      expect(ladder.stats()).toEqual({
        degradations: { chunked: 0, direct: 0, emergency: taken },
        recoveries,
        degraded: denied !== undefined,
      });
      expect(told).toBeLessThanOrEqual(2 + 2 * (now / S));
    }),
    { numRuns: 1000 },
  );
});
