import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createMill, type FlowProgress, type FlowSource } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK, MiB, noise, text } from './content.ts';
import { failureOf } from './failure.ts';
import { copy, uneven } from './ops.mjs';
import { fileOf, newPath } from './temporary.ts';
import { until } from './until.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

describe('progress', () => {
  async function progressOf(from: FlowSource): Promise<FlowProgress[]> {
    const told: FlowProgress[] = [];
    const onProgress = (progress: FlowProgress): void => void told.push(progress);
    const report = await mill.pump({ from, op: gzip, to: newPath(), onProgress });
    expect(told.at(-1)!.bytesIn).toBe(report.bytesIn);
    // The trailer comes after the last chunk.
    expect(told.at(-1)!.bytesOut).toBe(report.bytesOut - 8);
    expect(told.at(-1)!.elapsedMs).toBeLessThanOrEqual(report.elapsedMs);
    return told;
  }

  test('only grows, and is complete at the end', async () => {
    const input = noise(11 * BLOCK + 5);
    for (const from of [fileOf(input), input, [input]]) {
      const told = await progressOf(from);
      expect(told.at(-1)!.bytesIn).toBe(input.length);
      for (const key of ['bytesIn', 'bytesOut', 'elapsedMs'] as const) {
        const values = told.map((progress) => progress[key]);
        expect(values).toEqual(values.toSorted((a, b) => a - b));
      }
    }
  });

  test('says how much there is in all, where that is known', async () => {
    const input = text(3 * BLOCK);
    for (const from of [fileOf(input), input]) {
      for (const { totalBytes } of await progressOf(from)) expect(totalBytes).toBe(input.length);
    }
    for (const { totalBytes } of await progressOf([input])) expect(totalBytes).toBeUndefined();
  });

  test('is told for an empty input too', async () => {
    expect(await progressOf(new Uint8Array(0))).toMatchObject([{ bytesIn: 0, totalBytes: 0 }]);
  });

  test('that throws fails the flow with what it threw', async () => {
    const onProgress = (): void => {
      throw new RangeError('cannot draw the bar');
    };
    const pumping = mill.pump({ from: noise(MiB), op: gzip, to: newPath(), onProgress });
    await expect(pumping).rejects.toThrow(new RangeError('cannot draw the bar'));
    expect(mill.stats().slices.live).toBe(0);
  });
});

describe('memory', () => {
  test('is bounded, whatever the size of the input', async () => {
    let most = 0;
    const onProgress = (): void => void (most = Math.max(most, mill.stats().slices.live));
    await mill.pump({ from: fileOf(noise(40 * MiB)), op: copy, to: newPath(), onProgress });
    // Two slices for each of 8 chunks in the window, and as many again on their way to the file.
    expect(most).toBeGreaterThan(2);
    expect(most).toBeLessThanOrEqual(32);
    expect(mill.stats().slices.live).toBe(0);
  });

  test('may be as little as 4 MiB', async () => {
    await using small = await createMill({ threads: 3, memory: 4 * MiB });
    const input = text(20 * MiB);
    const to = newPath();
    await small.pump({ from: fileOf(input), op: gzip, to });
    expect(gunzipSync(readFileSync(to)).equals(input)).toBe(true);
    expect(small.stats().memory).toMatchObject({ limit: 4 * MiB, open: 4 * MiB });
  });

  test('that is not even enough for one chunk is an error that names the setting', async () => {
    await using small = await createMill({ threads: 1, memory: 4 * MiB });
    const pumping = small.pump({ from: noise(MiB), op: uneven, to: newPath() });
    const error = await failureOf(pumping);
    expect(error.code).toBe('ERR_POOL_EXHAUSTED');
    expect(error.message).toContain('"memory"');
    expect(small.stats().slices.live).toBe(0);
  });

  test.each([0, 1, 13])(
    'too small for all flows at once makes them wait, but not for ever, with %d slots taken by others',
    async (taken) => {
      await using small = await createMill({ threads: 2, memory: 4 * MiB });
      const slices = Array.from({ length: taken }, () => small.buffers.acquire(256 * 1024));
      const input = noise(3 * MiB);
      const outputs = await Promise.all(Array.from({ length: 7 }, () => small.run(gzip, input)));
      for (const output of outputs) expect(gunzipSync(output).equals(input)).toBe(true);
      expect(small.stats().slices.live).toBe(taken);
      for (const slice of slices) slice.release();
    },
  );

  test('of which one class is short makes flows wait, but not for ever', async () => {
    // One slab for the inputs, 64 slots, and one for the outputs, 32.
    await using small = await createMill({ threads: 2, memory: 8 * MiB });
    const input = noise(3 * MiB);
    const outputs = await Promise.all(Array.from({ length: 8 }, () => small.run(uneven, input)));
    for (const output of outputs) expect(Buffer.compare(output, input)).toBe(0);
    expect(small.stats().slices.live).toBe(0);
  });

  test('that somebody else holds is waited for', async () => {
    await using small = await createMill({ threads: 1, memory: 4 * MiB });
    const slices = Array.from({ length: 16 }, () => small.buffers.acquire(256 * 1024));
    const input = noise(MiB);
    let over = false;
    const running = small.run(gzip, input).finally(() => (over = true));
    await new Promise(setImmediate);
    expect(over).toBe(false);
    slices.pop()!.release();
    await new Promise(setImmediate);
    expect(small.stats().slices.live).toBe(15);
    slices.pop()!.release();
    expect(gunzipSync(await running).equals(input)).toBe(true);
    for (const slice of slices) slice.release();
    await until(() => small.stats().slices.live === 0);
  });
});
