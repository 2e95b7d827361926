import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, crc32 as crc32Of } from 'node:zlib';
import { createMill, type FlowSource } from '@millrace/workers';
import { crc32, gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { BLOCK, MiB, noise, text } from '../content.ts';
import { codeOf, failureOf } from '../failure.ts';
import { Gate } from '../gate.ts';
import { each } from '../generator-ops.mjs';
import { copy, invert, invertChunks } from '../ops.mjs';
import { fileOf, newPath } from '../temporary.ts';

const KiB = 1024;
const STRATEGIES = ['adaptive', 'pooled', 'chunked', 'direct'] as const;

const mill = await createMill({ threads: 2, memory: 64 * MiB });
afterAll(() => mill.close());
afterEach(() => {
  const { slices, tasks } = mill.stats();
  expect({ live: slices.live, inFlight: tasks.inFlight }).toEqual({ live: 0, inFlight: 0 });
});

const inverted = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 255));

/** A descriptor at its beginning, open until the bytes are there. */
async function throughDescriptor<R>(path: string, use: (from: number) => Promise<R>): Promise<R> {
  const from = openSync(path, 'r');
  try {
    return await use(from);
  } finally {
    closeSync(from);
  }
}

describe.each(STRATEGIES)('by the strategy %s', (strategy) => {
  // Around one chunk of each op, and around the thresholds.
  const sizes = [0, 1, 64 * KiB + 1, BLOCK, BLOCK + 1, 256 * KiB, 3 * BLOCK - 1, 2 * MiB + 17];

  test.each(sizes)('%d bytes come out the same whichever way they go', async (size) => {
    const input = text(size);
    const gzipped = Buffer.from(await mill.run(gzip, input));
    expect(gunzipSync(gzipped).equals(input)).toBe(true);
    const from = fileOf(input);
    const to = newPath();

    expect(Buffer.compare(await mill.run(gzip, input, {}, { strategy }), gzipped)).toBe(0);
    await mill.pump({ from, op: gzip, to, strategy });
    expect(readFileSync(to).equals(gzipped)).toBe(true);
    await mill.pump({ from: input, op: gzip, to, strategy });
    expect(readFileSync(to).equals(gzipped)).toBe(true);
    await throughDescriptor(from, (descriptor) =>
      mill.pump({ from: descriptor, op: gzip, to, strategy }),
    );
    expect(readFileSync(to).equals(gzipped)).toBe(true);

    const duplex = mill.stream(gzip, {}, { strategy });
    expect((await buffer(Readable.from([input]).pipe(duplex))).equals(gzipped)).toBe(true);
    const pair = mill.web(gzip, {}, { strategy });
    const streamed = new Blob([input]).stream().pipeThrough(pair);
    expect((await buffer(streamed)).equals(gzipped)).toBe(true);
    const pieces: Uint8Array[] = [];
    for await (const piece of mill.iterate(gzip, from, {}, { strategy })) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(gzipped)).toBe(true);
  });

  test.each(sizes)('%d bytes are reduced to the same value', async (size) => {
    const input = noise(size);
    const sum = crc32Of(input);
    expect(await mill.run(crc32, input, undefined, { strategy })).toBe(sum);
    expect((await mill.pump({ from: input, op: crc32, strategy })).value).toBe(sum);
    expect((await mill.pump({ from: fileOf(input), op: crc32, strategy })).value).toBe(sum);
    if (size === 0) return;
    using slice = mill.buffers.acquire(size);
    slice.bytes.set(input);
    expect(await mill.run(crc32, slice, undefined, { strategy })).toBe(sum);
  });

  test.each(sizes)('%d bytes are changed in place to the same', async (size) => {
    const input = noise(size);
    const output = inverted(input);
    const to = newPath();
    const run = await mill.run(invertChunks, input, undefined, { strategy });
    expect(Buffer.compare(run, output)).toBe(0);
    for (const from of [input, fileOf(input)] satisfies FlowSource[]) {
      await mill.pump({ from, op: invertChunks, to, strategy });
      expect(readFileSync(to).equals(output)).toBe(true);
    }
    await mill.pump({ from: fileOf(input), op: invertChunks, to, strategy, direct: true });
    expect(readFileSync(to).equals(output)).toBe(true);
    if (size === 0) return;
    using slice = mill.buffers.acquire(size);
    slice.bytes.set(input);
    await mill.run(invertChunks, slice, undefined, { strategy });
    expect(Buffer.compare(slice.bytes, output)).toBe(0);
  });

  test('a slice is written to bytes of their own', async () => {
    const input = text(5 * BLOCK + 3);
    using slice = mill.buffers.acquire(input.length);
    slice.bytes.set(input);
    const output = await mill.run(copy, slice, undefined, { strategy });
    expect(Buffer.compare(output, input)).toBe(0);
  });
});

describe('what a report says', () => {
  test.each([
    [256 * KiB - 1, 'pooled'],
    [256 * KiB, 'chunked'],
    [MiB - 1, 'chunked'],
    [MiB, 'direct'],
  ])('%d bytes of a file, or in memory, are taken as %s', async (size, strategy) => {
    const input = noise(size);
    for (const from of [input, fileOf(input)]) {
      const report = await mill.pump({ from, op: copy, to: newPath() });
      expect(report).toMatchObject({ strategy, bytesIn: size, notes: [] });
    }
  });

  test('what comes piece by piece is direct', async () => {
    const report = await mill.pump({ from: Readable.from([noise(9)]), op: copy, to: newPath() });
    expect(report).toMatchObject({ strategy: 'direct', notes: [] });
  });

  test('what is forced is taken, whatever the size', async () => {
    for (const size of [1, 2 * MiB]) {
      for (const strategy of ['pooled', 'chunked', 'direct'] as const) {
        const report = await mill.pump({ from: noise(size), op: copy, to: newPath(), strategy });
        expect(report).toMatchObject({ strategy, bytesIn: size, notes: [] });
      }
    }
  });

  test('what no slice can hold is taken in chunks, and a note says why', async () => {
    const unknown = { from: Readable.from([noise(9)]), op: copy, to: newPath() };
    const report = await mill.pump({ ...unknown, strategy: 'pooled' });
    expect(report.strategy).toBe('chunked');
    expect(report.notes).toEqual([
      'Took "chunked" instead of "pooled" as the size of the object is not certain beforehand',
    ]);
    const large = noise(mill.buffers.largest + 1);
    const other = await mill.pump({ from: large, op: crc32, strategy: 'pooled' });
    expect(other.strategy).toBe('chunked');
    expect(other.notes).toHaveLength(1);
    expect(other.notes[0]).toContain(String(large.length));
  });

  test.each([1, 64 * KiB, 30 * 64 * KiB + 1])(
    'a file that grows beyond its slice by %d bytes while it is read is read to its end',
    async (bytes) => {
      const from = fileOf(noise(20 * 64 * KiB));
      const to = newPath();
      const gate = new Gate();
      const params = { gate: gate.words };
      const pumping = mill.pump({ from, op: copy, params, to, strategy: 'pooled' });
      await gate.reached(1);
      appendFileSync(from, text(bytes));
      gate.open();
      expect(await pumping).toMatchObject({
        strategy: 'pooled',
        bytesIn: 20 * 64 * KiB + bytes,
      });
      expect(readFileSync(to).equals(readFileSync(from))).toBe(true);
    },
  );
});

describe('what is refused', () => {
  const strategy = 'swift' as never;

  test('a strategy that there is not', async () => {
    const pumping = mill.pump({ from: noise(1), op: copy, to: newPath(), strategy });
    expect((await failureOf(pumping)).message).toContain('"strategy" of swift');
    expect(await codeOf(mill.run(copy, noise(1), undefined, { strategy }))).toBe('ERR_INVALID_ARG');
    expect(await codeOf(mill.run(invert, noise(1), undefined, { strategy }))).toBe(
      'ERR_INVALID_ARG',
    );
    expect(() => mill.stream(copy, undefined, { strategy })).toThrow('swift');
    expect(() => mill.web(copy, undefined, { strategy })).toThrow('swift');
    expect(() => mill.iterate(copy, noise(1), undefined, { strategy })).toThrow('swift');
  });

  test.each(['chunked', 'direct'] as const)(
    '%s for an op that does not say how to cut its input',
    async (cut) => {
      const error = await failureOf(mill.run(invert, noise(1), undefined, { strategy: cut }));
      expect(error.code).toBe('ERR_INVALID_ARG');
      expect(error.message).toContain('"split"');
      const pooled = await mill.run(invert, noise(3), undefined, { strategy: 'pooled' });
      expect(Buffer.compare(pooled, inverted(noise(3)))).toBe(0);
    },
  );

  test.each(['swift' as never, 'chunked', 'direct'] as const)(
    '%s for an op that generates',
    async (cut) => {
      const outputs = mill.run(each, noise(3), undefined, { strategy: cut });
      expect(await codeOf(outputs.next())).toBe('ERR_INVALID_ARG');
    },
  );

  test.each([
    [{ chunkSize: 0 }, 'chunkSize'],
    [{ veryLargeObjectThreshold: 256 * KiB }, 'veryLargeObjectThreshold'],
    [{ maxBufferSize: 2 ** 40 }, 'maxBufferSize'],
    [{ acquireTimeoutMs: -1 }, 'acquireTimeoutMs'],
  ])('settings that do not fit: %o', async (adaptive, field) => {
    const error = await failureOf(createMill({ threads: 1, memory: 4 * MiB, adaptive }));
    expect(error.code).toBe('ERR_INVALID_ARG');
    expect(error.message).toContain(`"${field}"`);
  });
});

test('a mill whose cap begins anywhere has strategies nevertheless', async () => {
  for (const largeObjectThreshold of [1, 64 * KiB, 8 * MiB]) {
    await using other = await createMill({
      threads: 1,
      memory: 16 * MiB,
      largeObjectThreshold,
      maxConcurrentLargeOps: 100_000,
    });
    const large = Math.max(32 * KiB, largeObjectThreshold);
    const taken = async (size: number): Promise<string> => {
      return (await other.pump({ from: noise(size), op: copy, to: newPath() })).strategy;
    };
    expect(await taken(large - 1)).toBe('pooled');
    expect(await taken(large)).toBe('chunked');
  }
});
