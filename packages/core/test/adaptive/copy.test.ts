/** Copies by an adaptive pool: every byte, whatever the ends do, and nothing held afterwards. */
import {
  AdaptiveBufferPool,
  BufferPools,
  type AdaptiveCopyOptions,
  type BufferPoolConfig,
  type BufferPoolStrategy,
} from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { codeOf } from '../thrown.ts';
import { useClock } from './clock.ts';
import { EndFailure, PatternReader, PatternWriter, type Pace } from './ends.ts';
import { rejectionOf } from './rejection.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function make(config: BufferPoolConfig = {}, memory = 16 * MiB) {
  const pools = BufferPools.create({ memory }, OWNER);
  const pool = new AdaptiveBufferPool(pools, config);
  const expectNothingHeld = (): void => {
    expect(pools.stats().slices.live).toBe(0);
    expect(pool.stats().activeBuffers).toBe(0);
  };
  return { pools, pool, expectNothingHeld };
}

test.each<[number, BufferPoolStrategy, number]>([
  [0, 'pooled', 0],
  [1, 'pooled', 1],
  [4 * KiB, 'pooled', 1],
  [32 * KiB, 'pooled', 1],
  [256 * KiB - 1, 'pooled', 1],
  [256 * KiB, 'chunked', 4],
  [256 * KiB + 1, 'chunked', 5],
  [1 * MiB - 1, 'chunked', 8],
  [1 * MiB, 'direct', 8],
  [2 * MiB + 1, 'direct', 17],
])('%d bytes are %s, in %d chunks', async (size, strategy, chunks) => {
  const { pool, expectNothingHeld } = make();
  const writer = new PatternWriter();
  expect(await pool.copyBuffer(writer, new PatternReader(size), size)).toBe(size);
  expect([writer.taken, writer.wrong]).toEqual([size, 0]);
  const stats = pool.stats();
  expect([stats.chunks, stats.servedBytes]).toEqual([chunks, size]);
  expect(stats.operations[pool.categoryOf(size)][strategy as 'pooled']).toBe(1);
  expect(stats.totalGets).toBe(1);
  expectNothingHeld();
});

test('between ends that answer at once the answer is there at once', () => {
  // However long this thread is kept from it.
  useClock(0);
  const { pool, expectNothingHeld } = make();
  const source = new Uint8Array(256 * KiB).fill(7);
  for (const size of [0, 1, 1000, 64 * KiB, 256 * KiB]) {
    const into = new Uint8Array(size);
    expect(pool.copyBuffer(into, source.subarray(0, size), size)).toBe(size);
    expect(into.every((byte) => byte === 7)).toBe(true);
  }
  expectNothingHeld();
});

test('an object of unknown size is copied directly, by the default buffer', async () => {
  const { pool, expectNothingHeld } = make({ defaultBufferSize: 32 * KiB });
  const writer = new PatternWriter();
  expect(await pool.copyBuffer(writer, new PatternReader(100 * KiB))).toBe(100 * KiB);
  expect(pool.stats()).toMatchObject({ veryLargeObjectOps: 1, directOperations: 1, chunks: 4 });
  expectNothingHeld();
});

test.each<[BufferPoolStrategy, number, number]>([
  ['pooled', 2 * MiB, 2],
  ['chunked', 100, 1],
  ['chunked', 2 * MiB, 16],
  ['direct', 100, 1],
])('"%s" is forced on %d bytes', async (strategy, size, chunks) => {
  const { pool, expectNothingHeld } = make();
  const writer = new PatternWriter();
  expect(await pool.copyBuffer(writer, new PatternReader(size), size, { strategy })).toBe(size);
  expect(pool.stats().operations[pool.categoryOf(size)]).toMatchObject({ [strategy]: 1 });
  expect(pool.stats().chunks).toBe(chunks);
  expect(pool.stats().poolMisses).toBe(strategy === 'direct' ? 1 : 0);
  expectNothingHeld();
});

test('chunkedCopyBuffer is for any size', async () => {
  const { pool } = make({ chunkSize: 8 * KiB });
  const writer = new PatternWriter();
  expect(await pool.chunkedCopyBuffer(writer, new PatternReader(20 * KiB), 20 * KiB)).toBe(
    20 * KiB,
  );
  expect(pool.stats()).toMatchObject({ chunkedOperations: 1, mediumObjectOps: 0, chunks: 3 });
});

test('direct chunks are used again, and so a very large object costs no memory of its own', async () => {
  const { pool } = make();
  for (let i = 0; i < 10; i++)
    await pool.copyBuffer(new PatternWriter(), new PatternReader(2 * MiB), 2 * MiB);
  const { allocatedBytes, servedBytes, memoryEfficiency, poolMisses } = pool.stats();
  expect([allocatedBytes, servedBytes, poolMisses]).toEqual([128 * KiB, 20 * MiB, 10]);
  expect(memoryEfficiency).toBe(1 - 128 / (20 * 1024));
});

test.each([0, 1, 100, 70_000, 300_000, 3_000_000])(
  'a wrong size is no harm, an exact one is insisted on: %d bytes',
  async (size) => {
    const { pool, expectNothingHeld } = make();
    for (const declared of [0, size + 1, Math.max(0, size - 1), size * 3]) {
      const writer = new PatternWriter();
      expect(await pool.copyBuffer(writer, new PatternReader(size), declared)).toBe(size);
      expect([writer.taken, writer.wrong]).toEqual([size, 0]);
      const exact = () =>
        pool.copyBuffer(new PatternWriter(), new PatternReader(size), declared, { exact: true });
      if (declared === size) expect(await exact()).toBe(size);
      else expect((await rejectionOf(exact())).code).toBe('ERR_SIZE_MISMATCH');
    }
    expectNothingHeld();
  },
);

test('what is no source, target or size is refused at once, and holds nothing', () => {
  const { pool, expectNothingHeld } = make();
  const good = new Uint8Array(10);
  for (let i = 0; i < 3; i++) expect(pool.copyBuffer(good, good, 10)).toBe(10);
  expect(codeOf(() => pool.copyBuffer(good, 5 as never))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => pool.copyBuffer(5 as never, good))).toBe('ERR_INVALID_ARG');
  for (const size of [-1, 1.5, NaN, '10' as never]) {
    expect(codeOf(() => pool.copyBuffer(good, good, size))).toBe('ERR_INVALID_ARG');
  }
  const strategy = 'fast' as never;
  expect(codeOf(() => pool.copyBuffer(good, good, 10, { strategy }))).toBe('ERR_INVALID_ARG');
  expect(pool.stats().smallObjectOps).toBe(3);
  expectNothingHeld();
});

test('a count that cannot be is refused, by a pool that has done well until now too', async () => {
  const { pool, expectNothingHeld } = make();
  const good = new Uint8Array(10);
  expect(pool.copyBuffer(good, good.slice(), 10)).toBe(10);
  for (const count of [-1, 0.5, NaN, 4 * KiB + 1, '1' as never]) {
    const counts = [count];
    const reader = { read: () => counts.pop() ?? 0 };
    const copying = pool.copyBuffer(new PatternWriter(), reader, 10);
    expect((await rejectionOf(copying)).code).toBe('ERR_READ');
  }
  expectNothingHeld();
});

test('bytes, web streams and iterables are copied as they are', async () => {
  const { pool, expectNothingHeld } = make();
  const source = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
  const into = new Uint8Array(source.length);
  expect(await pool.copyBuffer(into, source, source.length)).toBe(source.length);
  expect(into).toEqual(source);
  into.fill(0);
  expect(await pool.copyBuffer(into, [source.subarray(0, 7), source.subarray(7)])).toBe(300_000);
  expect(into).toEqual(source);
  const pieces: Uint8Array[] = [];
  const target = new WritableStream<Uint8Array>({ write: (piece) => void pieces.push(piece) });
  const { body } = new Response(source);
  expect(await pool.copyBuffer(target, body!, source.length)).toBe(source.length);
  expect(Buffer.concat(pieces).equals(source)).toBe(true);
  expectNothingHeld();
});

const paces = fc.array(fc.constantFrom<Pace>('now', 'soon', 'later'), { maxLength: 3 });

test('any two ends, any size, declared rightly or not, any strategy, failing or not', async () => {
  const { pool, expectNothingHeld } = make({ chunkSize: 4 * KiB });
  const strategies: BufferPoolStrategy[] = ['adaptive', 'pooled', 'chunked', 'direct'];
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.nat({ max: 20 * KiB }),
        fc
          .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -1, max: 1 }))
          .map(([n, d]) => Math.max(0, n * 4 * KiB + d)),
      ),
      fc.option(fc.integer({ min: -5000, max: 5000 }), { nil: undefined }),
      fc.constantFrom(...strategies),
      fc.record({
        pieces: fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 3 }),
        paces,
        failsAt: fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 4 }),
      }),
      fc.record({ paces, failsAt: fc.option(fc.nat({ max: 4 }), { nil: undefined, freq: 4 }) }),
      async (size, off, strategy, reads, writes) => {
        const reader = new PatternReader(size, reads);
        const writer = new PatternWriter(writes);
        const declared = off === undefined ? undefined : Math.max(0, size + off);
        const options: AdaptiveCopyOptions = { strategy };
        let copied: number | undefined;
        let error: unknown;
        try {
          copied = await pool.copyBuffer(writer, reader, declared, options);
        } catch (thrown) {
          error = thrown;
        }
        expect(writer.wrong).toBe(0);
        if (error === undefined) {
          expect([copied, writer.taken]).toEqual([size, size]);
          expect([reader.endings, writer.endings]).toEqual([[], []]);
        } else {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^ERR_(READ|WRITE)$/) as string,
            cause: expect.any(EndFailure) as EndFailure,
          });
          expect(reader.endings.length + writer.endings.length).toBeGreaterThan(0);
        }
        expectNothingHeld();
      },
    ),
    { numRuns: 1000 },
  );
});

test('who is aborted ends both ends, whether it has begun or waits in line', async () => {
  const { pool, expectNothingHeld } = make({ maxConcurrentLargeOps: 1 });
  const ending = new AbortController();
  const later = { paces: ['later' as const] };
  const copies = [2 * MiB, 2 * MiB, 100].map((size) => {
    const reader = new PatternReader(size, later);
    const writer = new PatternWriter(later);
    const done = rejectionOf(pool.copyBuffer(writer, reader, size, { signal: ending.signal }));
    return { reader, writer, done };
  });
  expect(pool.stats().queuedOperations).toBe(1);
  ending.abort(new Error('enough'));
  for (const { reader, writer, done } of copies) {
    const error = await done;
    expect([error.code, error.cause]).toEqual(['ERR_ABORTED', new Error('enough')]);
    expect([reader.endings, writer.endings]).toEqual([[error], [error]]);
  }
  expect(await pool.copyBuffer(new PatternWriter(later), new PatternReader(2 * MiB), 2 * MiB)).toBe(
    2 * MiB,
  );
  expectNothingHeld();
});

test('however many objects are under way at a time, no more private memory is taken than is kept', async () => {
  const { pool, expectNothingHeld } = make({ maxConcurrentLargeOps: 2, chunkSize: 64 * KiB });
  const sizes = [4 * KiB, 32 * KiB, 128 * KiB, 300 * KiB, 2 * MiB];
  const atOnce = async (): Promise<void> => {
    const copies = sizes.flatMap((size) =>
      Array.from({ length: 20 }, async () => {
        const writer = new PatternWriter({ paces: ['later'] });
        const reader = new PatternReader(size, { paces: ['later'] });
        expect(await pool.copyBuffer(writer, reader, size)).toBe(size);
        expect([writer.taken, writer.wrong]).toEqual([size, 0]);
      }),
    );
    await Promise.all(copies);
    expectNothingHeld();
  };
  await atOnce();
  const { allocatedBytes, waits } = pool.stats();
  for (let time = 0; time < 5; time++) await atOnce();
  expect(pool.stats().allocatedBytes).toBe(allocatedBytes);
  expect(waits).toBe(0);
});
