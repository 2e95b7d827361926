import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { createMill, type FlowSource } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { exitInPlaceChunk, failInPlace, invert, invertChunks } from './ops.mjs';
import { fileOf, newPath } from './temporary.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

const inverted = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 255);
describe.each([1, CHUNK - 1, CHUNK, 33 * CHUNK + 7])('of %d bytes', (bytes) => {
  const input = noise(bytes);

  test('run returns a changed copy', async () => {
    const before = Buffer.from(input);
    expect(Buffer.compare(await mill.run(invertChunks, input), inverted(input))).toBe(0);
    expect(input.equals(before)).toBe(true);
  });

  test('run changes a slice where it lies', async () => {
    using slice = mill.buffers.acquire(bytes);
    slice.bytes.set(input);
    expect(await mill.run(invertChunks, slice)).toBe(slice);
    expect(Buffer.compare(slice.bytes, inverted(input))).toBe(0);
  });

  test.each<[string, (bytes: Uint8Array) => FlowSource]>([
    ['a file', fileOf],
    ['a generator', (whole) => Readable.from([whole])],
  ])('pump takes it from %s to a file', async (_name, source) => {
    const to = newPath();
    const report = await mill.pump({ from: source(input), op: invertChunks, to });
    expect(readFileSync(to).equals(inverted(input))).toBe(true);
    expect(report).toMatchObject({ bytesIn: bytes, bytesOut: bytes });
  });

  test('a stream gives it back', async () => {
    const output = await buffer(Readable.from([input]).pipe(mill.stream(invertChunks)));
    expect(output.equals(inverted(input))).toBe(true);
  });
});

test('an empty input is an empty output', async () => {
  const to = newPath();
  await mill.pump({ from: new Uint8Array(0), op: invertChunks, to });
  expect(readFileSync(to)).toHaveLength(0);
});

test('a slice is changed by all threads at once, and is whole when run resolves', async () => {
  const input = noise(MiB);
  using slice = mill.buffers.acquire(MiB);
  slice.bytes.set(input);
  const gate = new Gate();
  const running = mill.run(invertChunks, slice, { gate: gate.words });
  await gate.reached(2);
  expect(mill.stats().slices.live).toBe(1);
  gate.open();
  await running;
  expect(gate.arrived).toBe(16);
  expect(Buffer.compare(slice.bytes, inverted(input))).toBe(0);
});

test('a chunk takes one slice, not two', async () => {
  const gate = new Gate();
  const pumping = mill.pump({
    from: fileOf(noise(4 * MiB)),
    op: invertChunks,
    params: { gate: gate.words },
    to: newPath(),
  });
  await gate.reached(2);
  expect(mill.stats().slices.live).toBeLessThanOrEqual(8 + 1);
  gate.open();
  await pumping;
});

describe('when a thread dies midway', () => {
  test('a chunk from a file is read and changed anew', async () => {
    const input = noise(10 * CHUNK);
    const to = newPath();
    const gate = new Gate();
    const params = { gate: gate.words, times: 2 };
    const report = await mill.pump({ from: fileOf(input), op: exitInPlaceChunk, params, to });
    expect(report.retries).toBe(2);
    expect(readFileSync(to).equals(inverted(input))).toBe(true);
  });

  test('a chunk whose bytes are nowhere else fails', async () => {
    for (const times of [1, 2]) {
      const gate = new Gate();
      const params = { gate: gate.words, times };
      const from = noise(10 * CHUNK);
      const pumping = mill.pump({ from, op: exitInPlaceChunk, params, to: newPath() });
      expect(await codeOf(pumping)).toBe('ERR_WORKER_DIED');
    }
    using slice = mill.buffers.acquire(10 * CHUNK);
    const gate = new Gate();
    const running = mill.run(exitInPlaceChunk, slice, { gate: gate.words, times: 1 });
    expect(await codeOf(running)).toBe('ERR_WORKER_DIED');
    expect(mill.stats().tasks.inFlight).toBe(0);
  });
});

test('an op in place that does not say how to cut its input cannot be pumped through', async () => {
  expect(await codeOf(mill.pump({ from: noise(9), op: invert, to: newPath() }))).toBe(
    'ERR_INVALID_ARG',
  );
  expect(() => mill.stream(failInPlace, { how: 'error' })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }) as Error,
  );
});
