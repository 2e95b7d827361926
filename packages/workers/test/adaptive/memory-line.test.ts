import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createMill, type Slice } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { describe, expect, test, vi } from 'vitest';
import { MiB, noise, text } from '../content.ts';
import { codeOf, failureOf } from '../failure.ts';
import { copy, double, invert, sum, uneven } from '../ops.mjs';
import { fileOf, newPath } from '../temporary.ts';
import { until } from '../until.ts';

const KiB = 1024;
const PATIENT = { acquireTimeoutMs: 2 ** 31 - 1 };
const HASTY = { acquireTimeoutMs: 20 };

/** Nothing of what waits has been decided yet. */
async function undecided(promises: readonly Promise<unknown>[]): Promise<boolean> {
  const open = Symbol('open');
  const turn = new Promise((resolve) => setImmediate(() => resolve(open)));
  return (await Promise.race([...promises, turn])) === open;
}

describe('while all memory is lent', () => {
  test('runs on bytes wait, and end in the order in which they came', async () => {
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: PATIENT });
    const held = mill.buffers.acquire(4 * MiB);
    const order: number[] = [];
    const runs = [1, 2, 3].map(async (number) => {
      const result = await mill.run(sum, new Uint8Array(3 * MiB).fill(number));
      order.push(number);
      return result;
    });
    expect(await undecided(runs)).toBe(true);
    held.release();
    expect(await Promise.all(runs)).toEqual([1, 2, 3].map((number) => number * 3 * MiB));
    expect(order).toEqual([1, 2, 3]);
    expect(mill.stats().slices.live).toBe(0);
  });

  test('what waits sees the bytes as they were when it was called', async () => {
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: PATIENT });
    const held = mill.buffers.acquire(4 * MiB);
    const bytes = new Uint8Array(10).fill(1);
    const running = mill.run(sum, bytes);
    bytes.fill(2);
    held.release();
    expect(await running).toBe(10);
  });

  test('it is an error in the end that names the setting and both figures', async () => {
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: HASTY });
    using _held = mill.buffers.acquire(4 * MiB);
    for (const running of [
      mill.run(sum, new Uint8Array(12_345)),
      mill.run(double, new Uint8Array(12_345)),
      mill.run(gzip, text(12_345)),
      mill.pump({ from: fileOf(noise(12_345)), op: copy, to: newPath() }),
    ]) {
      const error = await failureOf(running);
      expect(error.code).toBe('ERR_POOL_EXHAUSTED');
      for (const named of ['"memory"', '12345', String(4 * MiB), '20 ms']) {
        expect(error.message).toContain(named);
      }
    }
    expect(mill.stats().slices.live).toBe(1);
  });

  test('what comes back just before nobody holds any is had', async () => {
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: PATIENT });
    const { buffers } = mill;
    const held = buffers.acquire(4 * MiB);
    const stats = buffers.stats.bind(buffers);
    vi.spyOn(buffers, 'stats').mockImplementationOnce(() => {
      held.release();
      return stats();
    });
    expect(await mill.run(sum, new Uint8Array(9).fill(1))).toBe(9);
  });

  test('with no patience it is one at once', async () => {
    const adaptive = { acquireTimeoutMs: 0 };
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive });
    using _held = mill.buffers.acquire(4 * MiB);
    const error = await failureOf(mill.run(sum, new Uint8Array(9)));
    expect(error.code).toBe('ERR_POOL_EXHAUSTED');
    expect(error.message).toContain('at once');
  });

  test('who waits can be aborted, and those behind it go on', async () => {
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: PATIENT });
    const held = mill.buffers.acquire(4 * MiB);
    const stops = [0, 1, 2].map(() => new AbortController());
    const runs = stops.map(({ signal }) =>
      mill.run(sum, new Uint8Array(3 * MiB).fill(1), undefined, { signal }),
    );
    const pumping = mill.pump({
      from: noise(MiB),
      op: copy,
      to: newPath(),
      signal: stops[1]!.signal,
    });
    expect(await undecided([...runs, pumping])).toBe(true);
    stops[0]!.abort(new Error('no longer'));
    stops[1]!.abort();
    const error = await failureOf(runs[0]!);
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'no longer' } });
    expect(await codeOf(runs[1]!)).toBe('ERR_ABORTED');
    expect(await codeOf(pumping)).toBe('ERR_ABORTED');
    held.release();
    expect(await runs[2]).toBe(3 * MiB);
    expect(mill.stats().slices.live).toBe(0);
  });

  test.each([true, false])('a mill that closes (drain: %s) lets nobody wait', async (drain) => {
    const mill = await createMill({ threads: 1, memory: 4 * MiB, adaptive: PATIENT });
    const held = mill.buffers.acquire(4 * MiB);
    const waiting = [
      codeOf(mill.run(sum, new Uint8Array(9))),
      codeOf(mill.run(gzip, text(99))),
      codeOf(mill.pump({ from: noise(MiB), op: copy, to: newPath() })),
    ];
    expect(await undecided(waiting)).toBe(true);
    await mill.close({ drain });
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'ERR_MILL_CLOSED'));
    held.release();
  });

  test('those that wait count against "maxQueue"', async () => {
    const adaptive = PATIENT;
    await using mill = await createMill({ threads: 1, memory: 4 * MiB, maxQueue: 2, adaptive });
    const held = mill.buffers.acquire(4 * MiB);
    const runs = [1, 2].map(() => mill.run(sum, new Uint8Array(9)));
    expect(await codeOf(mill.run(sum, new Uint8Array(9)))).toBe('ERR_QUEUE_FULL');
    const ready = mill.ready();
    expect(await undecided([...runs, ready])).toBe(true);
    held.release();
    await ready;
    expect(await Promise.all(runs)).toEqual([0, 0]);
  });

  test('small ones do not wait behind a large one for which there is no room', async () => {
    await using mill = await createMill({ threads: 1, memory: 8 * MiB, adaptive: PATIENT });
    const held = mill.buffers.acquire(64 * KiB);
    const other = mill.buffers.acquire(64 * KiB);
    const large = mill.run(invert, new Uint8Array(8 * MiB));
    expect(await undecided([large])).toBe(true);
    for (let i = 0; i < 10; i++) expect(await mill.run(sum, new Uint8Array(9).fill(1))).toBe(9);
    held.release();
    other.release();
    expect((await large)[5]).toBe(255);
  });
});

describe('200 runs at once in memory for three', () => {
  test('on bytes, of an op that writes none', async () => {
    await using mill = await createMill({ threads: 2, memory: 12 * MiB, adaptive: PATIENT });
    const runs = Array.from({ length: 200 }, (_, i) => {
      return mill.run(sum, new Uint8Array(4 * MiB).fill(i % 7));
    });
    expect(await Promise.all(runs)).toEqual(runs.map((_, i) => (i % 7) * 4 * MiB));
    expect(mill.stats().slices.live).toBe(0);
  });

  test('that take an input and an output each', async () => {
    // A slab for inputs of 1 MiB, one for an output in a slot of 4, and one more.
    await using mill = await createMill({ threads: 2, memory: 12 * MiB, adaptive: PATIENT });
    const runs = Array.from({ length: 200 }, (_, i) => {
      return mill.run(double, new Uint8Array(MiB).fill(i));
    });
    for (const [i, output] of (await Promise.all(runs)).entries()) {
      expect(output.length).toBe(2 * MiB);
      expect(output[2 * MiB - 1]).toBe(i % 256);
    }
    expect(mill.stats().slices.live).toBe(0);
  });

  test.each(['adaptive', 'pooled', 'chunked', 'direct'] as const)(
    'in chunks, by the strategy %s',
    async (strategy) => {
      await using mill = await createMill({ threads: 2, memory: 12 * MiB, adaptive: PATIENT });
      const input = noise(300 * KiB);
      const runs = Array.from({ length: 200 }, () => {
        return mill.run(uneven, input, undefined, { strategy });
      });
      for (const output of await Promise.all(runs)) expect(Buffer.compare(output, input)).toBe(0);
      expect(mill.stats().slices.live).toBe(0);
    },
  );
});

describe('one step down after the other', () => {
  test('an object that finds no slice for all of it is taken in chunks', async () => {
    await using mill = await createMill({ threads: 2, memory: 12 * MiB, adaptive: HASTY });
    // No slab is empty, and sixteen slots are free in those that serve chunks.
    const held = [mill.buffers.acquire(4 * MiB)];
    for (let i = 0; i < 17; i++) held.push(mill.buffers.acquire(256 * KiB));
    held.splice(1, 1)[0]!.release();
    const input = text(2 * MiB + 5);
    const to = newPath();
    const report = await mill.pump({ from: fileOf(input), op: gzip, to, strategy: 'pooled' });
    expect(report.strategy).toBe('chunked');
    expect(report.notes).toEqual([
      `Took "chunked" instead of "pooled" as a slice of ${input.length} bytes for all of it was not free in time`,
    ]);
    expect(gunzipSync(readFileSync(to)).equals(input)).toBe(true);
    for (const slice of held) slice.release();
    // And all is well again.
    const later = await mill.pump({ from: fileOf(input), op: gzip, to, strategy: 'pooled' });
    expect(later).toMatchObject({ strategy: 'pooled', notes: [] });
  });

  test('a window that cannot grow goes on with the chunks that it has', async () => {
    await using mill = await createMill({ threads: 2, memory: 4 * MiB, adaptive: HASTY });
    // Of the sixteen slots two are left, which is one chunk.
    const held: Slice[] = Array.from({ length: 14 }, () => mill.buffers.acquire(256 * KiB));
    const input = noise(5 * MiB);
    const report = await mill.pump({
      from: fileOf(input),
      op: gzip,
      to: newPath(),
      strategy: 'chunked',
    });
    expect(report).toMatchObject({ bytesIn: input.length });
    for (const slice of held) slice.release();
  });
});

describe('pressure', () => {
  test('makes windows smaller, and ends', async () => {
    const threads = 2;
    const memoryManager = { memoryPressureThreshold: 3 * MiB, criticalThreshold: 6 * MiB };
    await using mill = await createMill({ threads, memory: 64 * MiB, memoryManager });
    const input = noise(8 * MiB);
    const most = async (): Promise<number> => {
      let live = 0;
      const onProgress = (): void => void (live = Math.max(live, mill.stats().slices.live));
      await mill.pump({ from: fileOf(input), op: copy, to: newPath(), onProgress });
      return live;
    };
    expect(mill.memory.sample()).toBe('normal');
    expect(await most()).toBeLessThanOrEqual(2 * 3 * threads);
    const held = [mill.buffers.acquire(7 * MiB)];
    expect(mill.memory.sample()).toBe('critical');
    // Input and output of one chunk a thread, and what is held.
    expect(await most()).toBeLessThanOrEqual(2 * threads + 1);
    const small = await mill.pump({ from: noise(200 * KiB), op: copy, to: newPath() });
    expect(small.strategy).toBe('direct');
    expect(small.notes).toEqual(['Took "direct" instead of "pooled" as memory is short']);
    held.pop()!.release();
    expect(mill.memory.sample()).toBe('normal');
    const later = await mill.pump({ from: noise(200 * KiB), op: copy, to: newPath() });
    expect(later).toMatchObject({ strategy: 'pooled', notes: [] });
    await until(() => mill.stats().slices.live === 0);
  });
});
