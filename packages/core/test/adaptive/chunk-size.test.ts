/** Which chunks an object has, and what an adaptive pool says of it. */
import {
  AdaptiveBufferPool,
  BufferPools,
  checkedConfig,
  type MemoryPressure,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CostModel } from '../../dist/adaptive/cost-model.js';
import { expectedNs, optimalChunkSize, type ChunkTerms } from '../../dist/adaptive/chunk-size.js';
import { OWNER } from '../memory.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const MEMORY = 64 * MiB;

function terms(
  config: Parameters<typeof checkedConfig>[0] = {},
  rest: Partial<ChunkTerms> = {},
): ChunkTerms {
  const { cores = 1, pressure = 'normal', costs = new CostModel() } = rest;
  return { config: checkedConfig(config, MEMORY), cores, costs, pressure };
}

/** Costs that were measured as `chunkNs` a chunk and `byteNs` a byte, many times. */
function measured(chunkNs: number, byteNs: number): CostModel {
  const costs = new CostModel();
  for (let i = 0; i < 200; i++) {
    const [chunks, chunk] = [1 + (i % 7), (i % 2 === 0 ? 64 : 128) * KiB];
    costs.observe(chunks, chunks * chunk, chunks * (chunkNs + byteNs * chunk));
  }
  return costs;
}

test.each([
  [0, 4 * KiB],
  [1, 4 * KiB],
  [4 * KiB, 4 * KiB],
  [4 * KiB + 1, 16 * KiB],
  [60 * KiB, 64 * KiB],
  [128 * KiB, 128 * KiB],
  [128 * KiB + 1, 64 * KiB],
  [256 * KiB, 64 * KiB],
  [512 * KiB, 64 * KiB],
  [1 * MiB, 128 * KiB],
  [64 * MiB, 128 * KiB],
  [undefined, 64 * KiB],
])('an object of %s bytes has chunks of %d, before anything was measured', (size, chunk) => {
  expect(optimalChunkSize(terms(), size)).toBe(chunk);
});

test('chunks that cost much are large, and those that cost little are small', () => {
  const config = { chunkSize: 256 * KiB };
  const sizeWith = (chunkNs: number, byteNs: number): number =>
    optimalChunkSize(terms(config, { costs: measured(chunkNs, byteNs) }), 2 * MiB);
  expect(sizeWith(100, 0.3)).toBe(64 * KiB);
  expect(sizeWith(3000, 0.3)).toBe(128 * KiB);
  expect(sizeWith(50_000, 0.3)).toBe(256 * KiB);
});

test('the more cores work on it, the smaller its chunks', () => {
  const config = { chunkSize: 256 * KiB };
  const costs = measured(8000, 0.3);
  const sizes = [1, 4, 16].map((cores) =>
    optimalChunkSize(terms(config, { cores, costs }), 2 * MiB),
  );
  expect(sizes).toEqual([256 * KiB, 128 * KiB, 64 * KiB]);
});

test('while memory is short chunks are smaller, and the smallest when it is critical', () => {
  const sizes = (['normal', 'elevated', 'critical'] as const).map((pressure) =>
    [1000, 300 * KiB, 64 * MiB, undefined].map((size) =>
      optimalChunkSize(terms({}, { pressure }), size),
    ),
  );
  expect(sizes).toEqual([
    [4 * KiB, 64 * KiB, 128 * KiB, 64 * KiB],
    [4 * KiB, 32 * KiB, 32 * KiB, 32 * KiB],
    [4 * KiB, 4 * KiB, 4 * KiB, 4 * KiB],
  ]);
});

test('the settings bound it, and no size that they allow takes less time', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 64 * MiB }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 64 * KiB }),
      fc.integer({ min: 1, max: 256 * KiB }),
      fc.constantFrom<MemoryPressure>('normal', 'elevated', 'critical'),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
      fc.double({ min: 0.001, max: 10, noNaN: true }),
      (size, cores, minBufferSize, more, pressure, chunkNs, byteNs) => {
        const chunkSize = Math.min(256 * KiB, minBufferSize + more);
        const costs = measured(chunkNs, byteNs);
        const all = terms({ minBufferSize, chunkSize }, { cores, pressure, costs });
        const chosen = optimalChunkSize(all, size);
        expect(chosen).toBeGreaterThanOrEqual(minBufferSize);
        expect(chosen).toBeLessThanOrEqual(Math.max(chunkSize, minBufferSize));
        const [small, large] = [64 * KiB, 128 * KiB];
        // An object that a chunk holds is one chunk, see above: what it takes is not looked at.
        const chosenByTime = size > chunkSize && minBufferSize <= small && chunkSize >= large;
        if (pressure === 'normal' && chosenByTime) {
          const leastNs = Math.min(expectedNs(all, size, small), expectedNs(all, size, large));
          expect(expectedNs(all, size, chosen)).toBeLessThanOrEqual(leastNs);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test('what chunks and bytes cost is learnt, and what is no measurement changes nothing', () => {
  const costs = measured(40_000, 0.5);
  expect(costs.chunkNs).toBeGreaterThan(36_000);
  expect(costs.chunkNs).toBeLessThan(44_000);
  expect(costs.expect(8, 1 * MiB)).toBeGreaterThan(0.9 * (8 * 40_000 + 0.5 * MiB));
  expect(costs.expect(8, 1 * MiB)).toBeLessThan(1.1 * (8 * 40_000 + 0.5 * MiB));
  const before = [costs.chunkNs, costs.byteNs];
  for (const [chunks, bytes, ns] of [
    [0, 100, 100],
    [1, 0, 100],
    [1, 100, 0],
    [1, 100, -5],
    [1, 100, NaN],
  ] as const) {
    costs.observe(chunks, bytes, ns);
  }
  expect([costs.chunkNs, costs.byteNs]).toEqual(before);
});

test('costs are positive whatever was measured', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.integer({ min: 1, max: 1000 }),
          fc.integer({ min: 1, max: 64 * MiB }),
          fc.integer({ min: 1, max: 1e9 }),
        ),
        { maxLength: 50 },
      ),
      (operations) => {
        const costs = new CostModel();
        for (const [chunks, bytes, ns] of operations) costs.observe(chunks, bytes, ns);
        expect(costs.chunkNs).toBeGreaterThan(0);
        expect(costs.byteNs).toBeGreaterThan(0);
        expect(Number.isFinite(costs.expect(1, 1))).toBe(true);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a pool learns what chunks cost from one large operation in 16', async () => {
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  let now = 0;
  // Each look at the clock is a millisecond after the one before.
  const pool = new AdaptiveBufferPool(
    pools,
    { chunkSize: 256 * KiB },
    { nowNs: () => (now += 1e6) },
  );
  const source = new Uint8Array(512 * KiB);
  const before = pool.calculateOptimalChunkSize(512 * KiB);
  for (let i = 0; i < 15; i++) await pool.copyBuffer(new Uint8Array(512 * KiB), source, 512 * KiB);
  expect(now).toBe(0);
  await pool.copyBuffer(new Uint8Array(512 * KiB), source, 512 * KiB);
  expect(now).toBe(2e6);
  expect(before).toBe(64 * KiB);
  expect(pool.explain(512 * KiB).reasons[2]).not.toContain('at 2000 ns a chunk');
});

test('an explanation says what is done with an object, and why', () => {
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  const pool = new AdaptiveBufferPool(pools);
  expect(pool.explain(10_000)).toEqual({
    size: 10_000,
    category: 'small',
    strategy: 'pooled',
    chunkSize: 16 * KiB,
    reasons: [
      '10000 bytes are small: fewer than 32768',
      'It is pooled: one slice holds it, which costs less than memory of its own',
      'Chunks have 16384 bytes, as one holds it all',
    ],
  });
  expect(pool.explain(100_000).reasons[0]).toBe(
    '100000 bytes are medium: at least 32768, and fewer than "largeObjectThreshold", which is 262144',
  );
  expect(pool.explain(512 * KiB)).toEqual({
    size: 512 * KiB,
    category: 'large',
    strategy: 'chunked',
    chunkSize: 64 * KiB,
    reasons: [
      '524288 bytes are large: at least "largeObjectThreshold", which is 262144, and fewer than "veryLargeObjectThreshold", which is 1048576',
      'It is chunked, as "largeObjectStrategy" is adaptive',
      'Chunks have 65536 bytes as that is fastest on 1 core at 2000 ns a chunk and 0.150 ns a byte: 65536 bytes take 106.5 µs, 131072 bytes take 108.3 µs',
    ],
  });
  expect(pool.explain(2 * MiB)).toMatchObject({
    category: 'veryLarge',
    strategy: 'direct',
    reasons: [
      '2097152 bytes are very large: at least "veryLargeObjectThreshold", which is 1048576',
      'It is handled directly: the pools are left to others, and its chunks are private memory that is used again',
      expect.stringContaining('Chunks have 131072 bytes as that is fastest'),
    ],
  });
  expect(pool.explain(undefined)).toEqual({
    size: undefined,
    category: 'veryLarge',
    strategy: 'direct',
    chunkSize: 64 * KiB,
    reasons: [
      'Its size is not known, so it may be very large',
      'It is handled directly: the pools are left to others, and its chunks are private memory that is used again',
      'Chunks have 65536 bytes as "defaultBufferSize" is 65536',
    ],
  });
});

test('an explanation tells of pools that are not used, and of memory that is short', () => {
  const pools = BufferPools.create({ memory: 16 * MiB }, OWNER);
  const off = new AdaptiveBufferPool(pools, { enabled: false });
  expect(off.explain(100).reasons[1]).toBe('It is handled directly as "enabled" is false');
  const memory = { pressure: 'elevated' as MemoryPressure, requireMemory: () => {} };
  const pool = new AdaptiveBufferPool(pools, {}, { memory });
  expect(pool.explain(100_000).reasons.at(-1)).toBe(
    'Pressure on memory is elevated: copies go by one smaller chunk at a time, in chunks where it would be pooled',
  );
  memory.pressure = 'critical';
  expect(pool.explain(100_000).reasons.slice(2)).toEqual([
    'Chunks have 4096 bytes, "minBufferSize", as memory is critically short',
    'Copies go by one chunk of private memory at a time until memory is less short',
  ]);
});

test.each([0, -1, 1.5, NaN, '2'])('"cores" of %s are refused by their name', (cores) => {
  const pools = BufferPools.create({ memory: 4 * MiB }, OWNER);
  expect(() => new AdaptiveBufferPool(pools, {}, { cores: cores as number })).toThrow(
    `"cores" of ${cores}`,
  );
});
