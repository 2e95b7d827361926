/** Buffers of an adaptive pool: what they are, and what the figures say of them. */
import { AdaptiveBufferPool, BufferPools, type BufferPoolConfig } from '@millrace/core';
import { expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { codeOf, thrownBy } from '../thrown.ts';
import { rejectionOf } from './rejection.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

function make(config: BufferPoolConfig = {}, memory = 16 * MiB) {
  const pools = BufferPools.create({ memory }, OWNER);
  const live = (): number => pools.stats().slices.live;
  return { pools, live, pool: new AdaptiveBufferPool(pools, config) };
}

test.each([
  [1, 'pooled'],
  [4 * KiB, 'pooled'],
  [32 * KiB, 'pooled'],
  [256 * KiB - 1, 'pooled'],
  [256 * KiB, 'pooled'],
  [1 * MiB - 1, 'pooled'],
  [1 * MiB, 'direct'],
  [3 * MiB, 'direct'],
])('a buffer of %d bytes is %s, and has that many', (size, strategy) => {
  const { pool, live } = make();
  const buffer = pool.acquire(size);
  expect(buffer.strategy).toBe(strategy);
  expect(buffer.bytes.byteLength).toBe(size);
  expect(buffer.slice === undefined).toBe(strategy === 'direct');
  expect(live()).toBe(strategy === 'pooled' ? 1 : 0);
  buffer.bytes[size - 1] = 7;
  expect(buffer.bytes[size - 1]).toBe(7);
  buffer.release();
  expect(live()).toBe(0);
  expect(pool.stats().activeBuffers).toBe(0);
});

test('settings decide from where on buffers are private', () => {
  const strategies = (config: BufferPoolConfig): string[] => {
    const { pool } = make(config);
    return [16 * KiB, 64 * KiB, 64 * KiB + 1, 256 * KiB, 1 * MiB].map((size) => {
      using buffer = pool.acquire(size);
      return buffer.strategy;
    });
  };
  const [pooled, direct] = ['pooled', 'direct'];
  expect(strategies({ enabled: false })).toEqual([direct, direct, direct, direct, direct]);
  expect(strategies({ maxBufferSize: 64 * KiB })).toEqual([pooled, pooled, direct, direct, direct]);
  expect(strategies({ largeObjectStrategy: 'direct' })).toEqual([
    pooled,
    pooled,
    pooled,
    direct,
    direct,
  ]);
  const far = { veryLargeObjectThreshold: 2 * MiB };
  expect(strategies(far)).toEqual([pooled, pooled, pooled, pooled, pooled]);
});

test.each([0, -1, 1.5, NaN, Infinity, -Infinity, '4096', null, undefined, 2 * MiB + 0.5])(
  'a buffer of %s bytes is refused, and counts as nothing',
  async (size) => {
    const { pool, live } = make();
    expect(codeOf(() => pool.acquire(size as number))).toBe('ERR_SIZE');
    expect((await rejectionOf(pool.acquireAsync(size as number))).code).toBe('ERR_SIZE');
    expect(live()).toBe(0);
    expect(pool.stats()).toEqual(make().pool.stats());
  },
);

test.each([4 * KiB, 2 * MiB])('a buffer of %d bytes is released once', (size) => {
  const { pool } = make();
  const buffer = pool.acquire(size);
  buffer.release();
  expect(codeOf(() => buffer.release())).toBe('ERR_SLICE_STALE');
  expect(codeOf(() => buffer.bytes)).toBe('ERR_SLICE_STALE');
  buffer[Symbol.dispose]();
  expect(pool.stats()).toMatchObject({ totalGets: 1, totalPuts: 1, activeBuffers: 0 });
});

test('a buffer that goes out of use is released', () => {
  const { pool, live } = make();
  {
    using pooled = pool.acquire(4 * KiB);
    using own = pool.acquire(2 * MiB);
    expect([pooled.strategy, own.strategy, live()]).toEqual(['pooled', 'direct', 1]);
    expect(pool.stats().activeBuffers).toBe(2);
  }
  expect([live(), pool.stats().activeBuffers]).toEqual([0, 0]);
});

test('a slice can be handed over, and what is handed over is not released here', () => {
  const { pools, pool } = make();
  const buffer = pool.acquire(4 * KiB);
  const adopted = pools.adopt(buffer.slice!.handOver());
  expect(codeOf(() => buffer.release())).toBe('ERR_SLICE_STALE');
  adopted.release();
  expect(pools.stats().slices.live).toBe(0);
});

test('with all slices lent a buffer is private, and so it is told', () => {
  const { pool, pools } = make({}, 4 * MiB);
  const all = pools.acquire(4 * MiB);
  const news: string[] = [];
  pool.onDegraded((it) => news.push(it.message));
  const buffers = [4 * KiB, 64 * KiB, 512 * KiB].map((size) => pool.acquire(size));
  expect(buffers.map(({ strategy }) => strategy)).toEqual(['direct', 'direct', 'direct']);
  expect(buffers.map(({ bytes }) => bytes.byteLength)).toEqual([4 * KiB, 64 * KiB, 512 * KiB]);
  expect(pool.stats()).toMatchObject({
    poolMisses: 3,
    degradations: { chunked: 0, direct: 3, emergency: 0 },
    degraded: true,
    recoveries: 0,
  });
  for (const buffer of buffers) buffer.release();
  all.release();
  pool.acquire(512 * KiB).release();
  expect(pool.stats()).toMatchObject({ degraded: false, recoveries: 1, activeBuffers: 0 });
  expect(news).toEqual([
    'Took "direct" instead of "pooled" for 4096 bytes as the pools had nothing in time; raise "memory", or release buffers sooner',
    expect.stringMatching(
      /^Memory is to be had as it is wanted again, after 3 steps down in \d+ ms$/,
    ),
  ]);
});

test('who waits gets the slice that comes free', async () => {
  const { pool, pools } = make({}, 4 * MiB);
  const all = pools.acquire(4 * MiB);
  const waiting = pool.acquireAsync(64 * KiB, { timeoutMs: 60_000 });
  all.release();
  const buffer = await waiting;
  expect(buffer.strategy).toBe('pooled');
  expect(pool.stats()).toMatchObject({ waits: 1, poolHits: 1, poolMisses: 0, degraded: false });
  buffer.release();
});

test.each([0, 5])('who waits in vain for %d ms gets private memory', async (timeoutMs) => {
  const { pool, pools } = make({ acquireTimeoutMs: timeoutMs }, 4 * MiB);
  const all = pools.acquire(4 * MiB);
  for (const options of [{}, { timeoutMs }]) {
    const buffer = await pool.acquireAsync(64 * KiB, options);
    expect(buffer.strategy).toBe('direct');
    buffer.release();
  }
  expect(pool.stats()).toMatchObject({
    waits: timeoutMs > 0 ? 2 : 0,
    degradations: { direct: 2 },
    activeBuffers: 0,
  });
  all.release();
  expect(pools.stats().slices.live).toBe(0);
});

test('who is aborted while waiting gets nothing', async () => {
  const { pool, pools } = make({}, 4 * MiB);
  const all = pools.acquire(4 * MiB);
  const ending = new AbortController();
  const waiting = rejectionOf(pool.acquireAsync(64 * KiB, { signal: ending.signal }));
  ending.abort(new Error('enough'));
  const error = await waiting;
  expect([error.code, error.cause]).toEqual(['ERR_ABORTED', new Error('enough')]);
  expect(pool.stats()).toMatchObject({ totalGets: 0, degraded: false });
  all.release();
});

test('a strategy can be forced', async () => {
  const { pool } = make({ maxBufferSize: 2 * MiB });
  const strategyOf = async (size: number, strategy: 'pooled' | 'chunked' | 'direct') => {
    using buffer = await pool.acquireAsync(size, { strategy });
    return buffer.strategy;
  };
  expect(await strategyOf(4 * KiB, 'direct')).toBe('direct');
  expect(await strategyOf(2 * MiB, 'pooled')).toBe('pooled');
  expect(await strategyOf(2 * MiB, 'chunked')).toBe('pooled');
  expect(await strategyOf(2 * MiB + 1, 'pooled')).toBe('direct');
});

test('who asks in a wrong way, or is not interested any more, gets nothing', async () => {
  const { pool, live } = make();
  const codes = [
    { timeoutMs: -1 },
    { timeoutMs: NaN },
    { strategy: 'fast' as never },
    { signal: AbortSignal.abort() },
  ].map(async (options) => (await rejectionOf(pool.acquireAsync(100, options))).code);
  const invalid = 'ERR_INVALID_ARG';
  expect(await Promise.all(codes)).toEqual([invalid, invalid, invalid, 'ERR_ABORTED']);
  expect([live(), pool.stats().totalGets]).toEqual([0, 0]);
});

test('what no system has is refused with the setting and both figures', () => {
  const { pool } = make();
  const size = 2 ** 52;
  const error = thrownBy(() => pool.acquire(size));
  expect(error.code).toBe('ERR_OUT_OF_MEMORY');
  expect(error.message).toContain(`${size} bytes`);
  expect(error.message).toContain('"maxBufferSize" of 1048576');
  expect(pool.stats().totalGets).toBe(0);
});

test('memory that is short is asked for before it is taken, and the error says who asked', () => {
  const pools = BufferPools.create({ memory: 4 * MiB }, OWNER);
  const asked: unknown[] = [];
  const memory = {
    pressure: 'critical' as const,
    requireMemory: (...args: unknown[]) => void asked.push(args),
  };
  const pool = new AdaptiveBufferPool(pools, {}, { memory });
  pool.acquire(2 * MiB).release();
  const all = pools.acquire(4 * MiB);
  pool.acquire(64 * KiB).release();
  all.release();
  expect(asked).toEqual([
    [2 * MiB, 'maxBufferSize'],
    [64 * KiB, 'memory'],
  ]);
});
