import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createMill, type Mill, type Slice } from '@millrace/workers';
import { crc32, gzip } from '@millrace/workers/ops';
import { describe, expect, test } from 'vitest';
import { MiB, noise } from '../content.ts';
import { failureOf } from '../failure.ts';
import { Gate } from '../gate.ts';
import { copy, hold, invert, sum } from '../ops.mjs';
import { fileOf, newPath } from '../temporary.ts';
import { until } from '../until.ts';
import { submit } from './waiting-ops.mjs';

const KiB = 1024;
const threads = 2;

const operationsOf = (mill: Mill): unknown => mill.adaptive.stats().operations;
const NONE = { pooled: 0, chunked: 0, direct: 0 };

/** All memory that is free. */
function takeAll({ buffers }: Mill): Slice[] {
  const held: Slice[] = [];
  for (const size of [4 * MiB, MiB, 256 * KiB, 64 * KiB, 16 * KiB, 4 * KiB]) {
    for (;;) {
      const slice = buffers.tryAcquire(size);
      if (!slice) break;
      held.push(slice);
    }
  }
  return held;
}

describe('the figures of the adaptive pool', () => {
  test('count what the mill does, by size and strategy', async () => {
    await using mill = await createMill({ threads, memory: 64 * MiB });
    await mill.run(sum, noise(9));
    await mill.run(invert, noise(100 * KiB));
    await mill.run(gzip, noise(300 * KiB));
    await mill.pump({ from: fileOf(noise(2 * MiB)), op: crc32 });
    await mill.pump({ from: noise(2 * MiB), op: crc32, strategy: 'pooled' });
    await buffer(Readable.from([noise(9)]).pipe(mill.stream(gzip)));
    expect(operationsOf(mill)).toEqual({
      small: { ...NONE, pooled: 1 },
      medium: { ...NONE, pooled: 1 },
      large: { ...NONE, chunked: 1 },
      veryLarge: { ...NONE, pooled: 1, direct: 2 },
    });
    const stats = mill.adaptive.stats();
    expect(stats).toMatchObject({ smallObjectOps: 1, veryLargeObjectOps: 3, waits: 0 });
    expect(stats).toMatchObject({ activeBuffers: 0, poolMisses: 0, memoryEfficiency: 1 });
    expect(stats.servedBytes).toBe(9 + 100 * KiB + 300 * KiB + 4 * MiB + 9);
    expect(stats.totalGets).toBe(stats.totalPuts);
    expect(mill.stats().strategies).toEqual({
      pooled: 3,
      chunked: 1,
      direct: 2,
      waiting: 0,
      degradations: { chunked: 0, direct: 0, emergency: 0 },
      lastDegradation: undefined,
    });
  });

  test('count neither what lies in a slice of the caller nor what failed before it began', async () => {
    await using mill = await createMill({ threads, memory: 64 * MiB });
    using slice = mill.buffers.acquire(400 * KiB);
    await mill.run(invert, slice);
    await mill.run(crc32, slice);
    await failureOf(mill.run(sum, 'text' as never));
    expect(operationsOf(mill)).toEqual({ small: NONE, medium: NONE, large: NONE, veryLarge: NONE });
    expect(mill.adaptive.stats().totalGets).toBe(0);
    // Its chunks take memory for their output.
    await mill.run(gzip, slice);
    expect(mill.adaptive.stats().operations.large).toEqual({ ...NONE, pooled: 1 });
  });

  test('tell of buffers in use, and of those who wait', async () => {
    const adaptive = { acquireTimeoutMs: 60_000 };
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive });
    const gate = new Gate();
    const first = mill.run(hold, new Uint8Array(3 * MiB), { gate: gate.words });
    const second = mill.run(sum, new Uint8Array(3 * MiB));
    expect(mill.adaptive.stats()).toMatchObject({ activeBuffers: 1, waits: 1 });
    expect(mill.stats().strategies.waiting).toBe(1);
    gate.open();
    await Promise.all([first, second]);
    expect(mill.adaptive.stats()).toMatchObject({ activeBuffers: 0, totalGets: 2, waits: 1 });
    expect(mill.stats().strategies.waiting).toBe(0);
  });

  test('tell of each step down, once to those who listen, and of the way back', async () => {
    const adaptive = { acquireTimeoutMs: 10 };
    await using mill = await createMill({ threads, memory: 8 * MiB, adaptive });
    const told: string[] = [];
    mill.adaptive.onDegraded(({ kind, message }) => told.push(`${kind}: ${message}`));
    const held = mill.buffers.acquire(4 * MiB);
    const other = mill.buffers.acquire(256 * KiB);
    const from = noise(2 * MiB);
    for (let i = 0; i < 3; i++) await mill.pump({ from, op: crc32, strategy: 'pooled' });
    expect(mill.stats().strategies).toMatchObject({
      degradations: { chunked: 3, direct: 0, emergency: 0 },
      lastDegradation: `Took "chunked" instead of "pooled" as a slice of ${2 * MiB} bytes for all of it was not free in time`,
    });
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('"chunked" instead of "pooled"');
    held.release();
    other.release();
    await mill.pump({ from, op: crc32, strategy: 'pooled' });
    expect(mill.adaptive.stats()).toMatchObject({ degraded: false, recoveries: 1 });
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/^recovered: /);
  });

  test('time operations, and the garbage collector, when they are asked to', async () => {
    const adaptive = { enableDetailedMetrics: true };
    await using mill = await createMill({ threads, memory: 64 * MiB, adaptive });
    expect(mill.adaptive.config.enableDetailedMetrics).toBe(true);
    for (let i = 0; i < 20; i++) await mill.run(sum, noise(9));
    await mill.pump({ from: noise(2 * MiB), op: copy, to: newPath() });
    const { latency, averageLatencyNs, gc } = mill.adaptive.stats();
    expect(latency.small.count).toBe(20);
    expect(latency.veryLarge.count).toBe(1);
    expect(latency.medium.count).toBe(0);
    expect(averageLatencyNs.small).toBeGreaterThan(0);
    expect(averageLatencyNs.veryLarge).toBeGreaterThan(averageLatencyNs.small);
    expect(gc).toMatchObject({ count: expect.any(Number) as number });
  });
});

describe('the adaptive pool of a mill', () => {
  test('has the thresholds of the mill, its memory, and one cap with it', async () => {
    await using mill = await createMill({
      threads: 1,
      memory: 16 * MiB,
      largeObjectThreshold: 64 * KiB,
      maxConcurrentLargeOps: 1,
      adaptive: { veryLargeObjectThreshold: 128 * KiB },
    });
    const { adaptive } = mill;
    expect(mill.adaptive).toBe(adaptive);
    expect([65_535, 65_536, 131_072].map((size) => adaptive.selectStrategy(size))).toEqual([
      'pooled',
      'chunked',
      'direct',
    ]);
    const held = adaptive.acquire(10 * KiB);
    expect(mill.stats().slices.live).toBe(1);
    held.release();

    const gate = new Gate();
    const first = mill.run(hold, new Uint8Array(64 * KiB), { gate: gate.words });
    await gate.reached(1);
    const out: Uint8Array[] = [];
    const copied = Promise.resolve(
      adaptive.copyBuffer(
        { write: (bytes) => void out.push(bytes.slice()) },
        noise(70 * KiB),
        70 * KiB,
      ),
    );
    await until(() => mill.stats().largeOps.waiting === 1);
    expect(out).toEqual([]);
    gate.open();
    await first;
    expect(await copied).toBe(70 * KiB);
    expect(Buffer.concat(out).equals(noise(70 * KiB))).toBe(true);
  });
});

describe('an op that submits tasks of its own', () => {
  test.each(['pooled', 'chunked', 'direct'] as const)(
    'waits for memory that another thread gives back, strategy %s',
    async (strategy) => {
      const adaptive = { acquireTimeoutMs: 60_000 };
      await using mill = await createMill({ threads: 3, memory: 16 * MiB, adaptive });
      const gate = new Gate();
      const bytes = 300 * KiB;
      const params = { gate: gate.words, bytes, strategy };
      const submitting = mill.run(submit, undefined, params);
      await gate.reached(1);
      const held = takeAll(mill);
      gate.open();
      await gate.reached(2);
      for (const slice of held) slice.release();
      const [total, gzipped] = await submitting;
      expect(total).toBe(bytes);
      expect(gzipped).toBe((await mill.run(gzip, new Uint8Array(bytes).fill(1))).length);
    },
  );

  test('is told when there is none in time', async () => {
    const adaptive = { acquireTimeoutMs: 5 };
    await using mill = await createMill({ threads: 3, memory: 16 * MiB, adaptive });
    const gate = new Gate();
    const submitting = mill.run(submit, undefined, { gate: gate.words, bytes: 300 * KiB });
    await gate.reached(1);
    const held = takeAll(mill);
    gate.open();
    expect(await submitting).toEqual(['ERR_POOL_EXHAUSTED', 'ERR_POOL_EXHAUSTED']);
    for (const slice of held) slice.release();
  });
});
