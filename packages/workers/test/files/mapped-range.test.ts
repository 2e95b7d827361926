/** A range of a file, mapped into slices: what is read, changed, written back, and given home. */
import { readFileSync, truncateSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createMill, type MapOptions, type MappedRange, type Mill } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { MiB, noise } from '../content.ts';
import { codeOf, failureOf, systemCodeOf } from '../failure.ts';
import { Gate } from '../gate.ts';
import { double, holdInPlace, invert, sum } from '../ops.mjs';
import { fileOf, folder, namedPipe, newPath, openedTimes, smallDisk } from '../temporary.ts';
import { killAll } from '../threads.ts';
import { until } from '../until.ts';

const KiB = 1024;
const CHUNK = 16 * KiB;
/** Ten chunks and a bit. */
const content = new Uint8Array(noise(10 * CHUNK + 123));

let mill: Mill;

beforeEach(async () => {
  mill = await createMill({ threads: 1, memory: 32 * MiB, adaptive: { acquireTimeoutMs: 200 } });
});

afterEach(async () => {
  expect(mill.stats().slices.live).toBe(0);
  await mill.close();
});

function map(path: string, options: MapOptions = {}): Promise<MappedRange> {
  return mill.mapFile(path, { chunkBytes: CHUNK, ...options });
}

/** All bytes of a part, in private memory. */
function bytesOf(part: Iterable<Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat([...part]));
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((total, byte) => total + byte, 0);
}

describe('reading', () => {
  test('a view has the bytes of the file, wherever it begins and ends', async () => {
    await using range = await map(fileOf(content));
    expect(range.byteLength).toBe(content.length);
    const cuts = [
      [0, 0],
      [0, 1],
      [5, CHUNK],
      [CHUNK - 1, CHUNK + 1],
      [3 * CHUNK, 5 * CHUNK],
      [content.length - 1, content.length],
      [content.length, content.length],
      [0, content.length],
    ];
    for (const [start, end] of cuts) {
      using part = await range.view(start, end);
      expect(Buffer.compare(bytesOf(part), content.subarray(start, end))).toBe(0);
      expect(part.byteLength).toBe(end! - start!);
    }
  });

  test('a range that begins and ends within the file has just its bytes', async () => {
    const [start, end] = [CHUNK + 7, 4 * CHUNK + 9];
    await using range = await mill.mapFile(pathToFileURL(fileOf(content)), {
      start,
      end,
      chunkBytes: CHUNK,
    });
    using part = await range.view();
    expect(Buffer.compare(bytesOf(part), content.subarray(start, end))).toBe(0);
    const lengths = part.slices.map(({ byteLength }) => byteLength);
    expect(lengths).toEqual([CHUNK, CHUNK, CHUNK, 2]);
  });

  test('only the chunks that are looked at are read, and neighbours in one call', async () => {
    await using range = await map(fileOf(content));
    (await range.view(2 * CHUNK, 5 * CHUNK)).release();
    expect(range.stats()).toMatchObject({ reads: 1, chunksRead: 3, chunks: 3 });
    (await range.view(CHUNK, 6 * CHUNK)).release();
    expect(range.stats()).toMatchObject({ reads: 3, chunksRead: 5, chunks: 5 });
    (await range.view(CHUNK, 6 * CHUNK)).release();
    expect(range.stats().reads).toBe(3);
  });

  test('many that look at the same chunk at the same time read it once', async () => {
    await using range = await map(fileOf(content));
    const parts = await Promise.all(Array.from({ length: 20 }, (_, at) => range.view(at, CHUNK)));
    expect(range.stats()).toMatchObject({ reads: 1, chunksRead: 1 });
    expect(new Set(parts.map(({ bytes }) => bytes.buffer)).size).toBe(1);
    for (const part of parts) part.release();
  });

  test('the bytes lie in shared memory, in one piece within a chunk', async () => {
    await using range = await map(fileOf(content));
    using part = await range.view(CHUNK + 1, 2 * CHUNK);
    expect(part.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(part.lead).toBe(1);
    using wide = await range.view(CHUNK - 1, CHUNK + 1);
    expect(() => wide.bytes).toThrow(expect.objectContaining({ code: 'ERR_SIZE' }));
    expect(wide.vectors().map(({ length }) => length)).toEqual([1, 1]);
  });

  test('a range with chunks as large as itself lies in one slice', async () => {
    await using range = await map(fileOf(content), { chunkBytes: MiB });
    using part = await range.view();
    expect(part.slices).toHaveLength(1);
    expect(Buffer.compare(part.bytes, content)).toBe(0);
  });

  test('an empty file has an empty range', async () => {
    await using range = await map(fileOf(''));
    expect(range.byteLength).toBe(0);
    using part = await range.view();
    expect([part.slices.length, part.bytes.length]).toEqual([0, 0]);
  });

  test.each([
    [-1, 2],
    [3, 2],
    [0, content.length + 1],
    [0.5, 2],
    [Number.NaN, 2],
  ])('bytes %d to %d are no part of it', async (start, end) => {
    await using range = await map(fileOf(content));
    expect(await codeOf(range.view(start, end))).toBe('ERR_INVALID_ARG');
  });
});

describe('changing', () => {
  test('what was changed is in the file after a flush, and nothing else was written', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    const part = await range.edit(CHUNK + 10, CHUNK + 20);
    part.bytes.fill(1);
    part.release();
    expect(Buffer.compare(readFileSync(path), content)).toBe(0);
    expect(await range.flush({ sync: true })).toBe(10);
    const expected = content.slice().fill(1, CHUNK + 10, CHUNK + 20);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
    expect(await range.flush()).toBe(0);
  });

  test('changed chunks that touch each other are written in one call', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    for (const [start, end] of [
      [CHUNK / 2, 3 * CHUNK],
      [5 * CHUNK, 5 * CHUNK + 1],
      [6 * CHUNK, 7 * CHUNK],
      [7 * CHUNK + 5, 7 * CHUNK + 6],
    ]) {
      using part = await range.edit(start, end);
      for (const bytes of part) bytes.fill(0);
    }
    await range.flush();
    expect(range.stats()).toMatchObject({ writes: 4, bytesWritten: 3.5 * CHUNK + 2 });
    const expected = content.slice().fill(0, CHUNK / 2, 3 * CHUNK);
    expected
      .fill(0, 5 * CHUNK, 5 * CHUNK + 1)
      .fill(0, 6 * CHUNK, 7 * CHUNK)
      .fill(0, 7 * CHUNK + 5, 7 * CHUNK + 6);
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
  });

  test('each flush writes what is still being changed, and one more after that', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    const part = await range.edit(0, 4);
    part.bytes[0] = 1;
    await range.flush();
    expect(readFileSync(path)[0]).toBe(1);
    part.bytes[0] = 2;
    await range.flush();
    expect(readFileSync(path)[0]).toBe(2);
    part.bytes[0] = 3;
    part.release();
    expect(await range.flush()).toBe(4);
    expect(readFileSync(path)[0]).toBe(3);
  });

  test('to close it writes what was changed, unless that is not wanted', async () => {
    const path = fileOf(content);
    for (const flush of [false, true]) {
      const range = await map(path, { mode: 'read-write' });
      using part = await range.edit(0, 1);
      part.bytes[0] = content[0]! ^ 1;
      await range.close({ flush });
      expect(readFileSync(path)[0] === content[0]).toBe(!flush);
    }
  });

  test('with an end behind that of the file the file becomes so long', async () => {
    const path = fileOf('abc');
    await using range = await map(path, { mode: 'read-write', start: 2, end: CHUNK });
    using part = await range.edit();
    expect([part.bytes[0], sumOf(part.bytes)]).toEqual([99, 99]);
    part.bytes[CHUNK - 3] = 7;
    await range.flush();
    expect(statSync(path).size).toBe(CHUNK);
    expect(readFileSync(path).at(-1)).toBe(7);
  });

  test('a range that was mapped to be read cannot be edited', async () => {
    await using range = await map(fileOf(content));
    expect(await codeOf(range.edit(0, 1))).toBe('ERR_INVALID_ARG');
    expect(await range.flush()).toBe(0);
  });
});

describe('ops', () => {
  test('work on its slices where they lie', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    using part = await range.edit(2 * CHUNK, 4 * CHUNK);
    const leased = mill.stats().slices.leased;
    for (const slice of part.slices) expect(await mill.run(invert, slice)).toBe(slice);
    expect(mill.stats().slices.leased).toBe(leased);
    await range.flush();
    const expected = content.slice();
    for (let at = 2 * CHUNK; at < 4 * CHUNK; at++) expected[at] = expected[at]! ^ 0xff;
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
  });

  test('see just the bytes of the last chunk', async () => {
    await using range = await map(fileOf(content));
    using part = await range.view(10 * CHUNK);
    expect(await mill.run(sum, part.slices[0])).toBe(sumOf(content.subarray(10 * CHUNK)));
    expect(await mill.run(double, part.slices[0])).toHaveLength(2 * 123);
  });

  test('a thread that dies at work on a chunk takes nothing with it', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    using part = await range.edit(0, CHUNK);
    const gate = new Gate();
    const failing = codeOf(mill.run(holdInPlace, part.slices[0]!, { gate: gate.words }));
    await gate.reached(1);
    await killAll(mill);
    expect(await failing).toBe('ERR_WORKER_DIED');
    part.bytes[1] = 5;
    await range.flush();
    expect(readFileSync(path)[1]).toBe(5);
  });

  test('and others cannot end the lease of what is lent to them', async () => {
    await using range = await map(fileOf(content));
    using part = await range.view(0, CHUNK);
    const slice = part.slices[0]!;
    for (const end of ['release', 'handOver', 'share'] as const) {
      expect(() => slice[end]()).toThrow(expect.objectContaining({ code: 'ERR_SLICE_BORROWED' }));
    }
    expect(() => slice.resize(1)).toThrow(expect.objectContaining({ code: 'ERR_SLICE_BORROWED' }));
    expect(slice.bytes[0]).toBe(content[0]);
  });

  test('find nothing in a part that was released', async () => {
    await using range = await map(fileOf(content));
    const part = await range.view(0, CHUNK);
    const [slice] = part.slices;
    part.release();
    expect(await codeOf(mill.run(sum, slice))).toBe('ERR_SLICE_STALE');
    const uses = [() => part.bytes, () => part.vectors(), () => part.slices, () => part.release()];
    for (const use of uses) {
      expect(use).toThrow(expect.objectContaining({ code: 'ERR_SLICE_STALE' }));
    }
  });
});

describe('memory', () => {
  test('a range larger than its bound is read through it', async () => {
    await using range = await map(fileOf(content), { cacheBytes: 3 * CHUNK });
    for (let at = 0; at < content.length; at += CHUNK) {
      using part = await range.view(at, Math.min(at + CHUNK, content.length));
      expect(Buffer.compare(part.bytes, content.subarray(at, at + CHUNK))).toBe(0);
      expect(range.stats().memoryBytes).toBeLessThanOrEqual(3 * CHUNK);
    }
    expect(mill.stats().slices.live).toBe(3);
    expect(range.stats().evicted).toBe(8);
  });

  test('what was used longest ago goes first', async () => {
    await using range = await map(fileOf(content), { cacheBytes: 2 * CHUNK });
    for (const chunk of [0, 1, 0, 2, 0]) {
      (await range.view(chunk * CHUNK, chunk * CHUNK + 1)).release();
    }
    expect(range.stats().chunksRead).toBe(3);
    (await range.view(CHUNK, CHUNK + 1)).release();
    expect(range.stats().chunksRead).toBe(4);
  });

  test('changes make room by being written, and are there when they are looked at again', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write', cacheBytes: 2 * CHUNK });
    for (let at = 0; at < content.length; at += CHUNK) {
      using part = await range.edit(at, at + 1);
      part.bytes[0] = at / CHUNK;
    }
    for (let at = 0; at < content.length; at += CHUNK) {
      using part = await range.view(at, at + 1);
      expect(part.bytes[0]).toBe(at / CHUNK);
    }
    await range.flush();
    expect(readFileSync(path)[9 * CHUNK]).toBe(9);
  });

  test('who finds all chunks in use waits until one is released', async () => {
    await using range = await map(fileOf(content), { cacheBytes: 2 * CHUNK });
    const parts = [await range.view(0, 1), await range.view(CHUNK, CHUNK + 1)];
    const waiting = [2, 3, 4].map((chunk) => range.view(chunk * CHUNK, chunk * CHUNK + 1));
    const served: number[] = [];
    for (const [at, view] of waiting.entries()) {
      void view.then((part) => {
        served.push(at);
        part.release();
      });
    }
    parts[1]!.release();
    await Promise.all(waiting);
    expect(served).toEqual([0, 1, 2]);
    parts[0]!.release();
  });

  test('who waits in vain is told what to change', async () => {
    await using range = await map(fileOf(content), { cacheBytes: CHUNK });
    using part = await range.view(0, 1);
    const { code, message } = await failureOf(range.view(CHUNK, CHUNK + 1));
    expect([code, message]).toEqual([
      'ERR_POOL_EXHAUSTED',
      expect.stringContaining('for 200 ms all 1 that "cacheBytes" has room for were in use'),
    ]);
    expect(part.bytes[0]).toBe(content[0]);
    expect(await codeOf(range.view(0, 2 * CHUNK))).toBe('ERR_SIZE');
  });

  test('who waits in vain for the rest keeps nothing of what was there', async () => {
    await using range = await map(fileOf(content), { cacheBytes: 2 * CHUNK });
    (await range.view(CHUNK, CHUNK + 1)).release();
    const part = await range.view(0, 1);
    expect(await codeOf(range.view(CHUNK, 3 * CHUNK))).toBe('ERR_POOL_EXHAUSTED');
    part.release();
    (await range.view(3 * CHUNK, 5 * CHUNK)).release();
  });

  test('two that need more together than there is get it one after the other', async () => {
    await using range = await map(fileOf(content), { cacheBytes: 4 * CHUNK });
    const views = [0, 3, 6].map(async (chunk) => {
      using part = await range.view(chunk * CHUNK, (chunk + 3) * CHUNK);
      return Buffer.compare(bytesOf(part), content.subarray(chunk * CHUNK, (chunk + 3) * CHUNK));
    });
    expect(await Promise.all(views)).toEqual([0, 0, 0]);
  });

  test('memory that others hold is waited for', async () => {
    const others = [];
    for (let slice; (slice = mill.buffers.tryAcquire(4 * MiB));) others.push(slice);
    await using range = await map(fileOf(content));
    expect(await codeOf(range.view(0, 1))).toBe('ERR_POOL_EXHAUSTED');
    const waiting = range.view(0, 1);
    for (const slice of others) slice.release();
    (await waiting).release();
  });

  test('what is not in use goes back on demand, and is read again', async () => {
    const path = fileOf(content);
    await using range = await map(path, { mode: 'read-write' });
    (await range.view(0, 3 * CHUNK)).release();
    using held = await range.view(0, 1);
    using changed = await range.edit(CHUNK, CHUNK + 1);
    changed.release();
    writeFileSync(path, content.slice().fill(9, 2 * CHUNK, 3 * CHUNK));
    expect(range.evict()).toBe(1);
    expect(mill.stats().slices.live).toBe(2);
    using part = await range.view(2 * CHUNK, 3 * CHUNK);
    expect([part.bytes[0], held.bytes[0]]).toEqual([9, content[0]]);
  });

  test('what is not in use goes back when memory is short', async () => {
    await using range = await map(fileOf(content));
    (await range.view()).release();
    expect(range.stats().chunks).toBe(11);
    const others = [];
    for (let slice; (slice = mill.buffers.tryAcquire(MiB));) others.push(slice);
    mill.memory.sample();
    expect(range.stats().chunks).toBe(0);
    for (const slice of others) slice.release();
    mill.memory.sample();
  });
});

describe('the end', () => {
  test('after it is closed nothing is lent, the file is closed, and nobody gets anything', async () => {
    const path = fileOf(content);
    const range = await map(path, { mode: 'read-write' });
    const late = codeOf(range.view(0, CHUNK));
    await Promise.all([range.close(), range.close()]);
    expect(await late).toBe('ERR_CLOSED');
    expect(openedTimes(path)).toBe(0);
    const calls = [range.view(), range.edit(), range.flush()];
    expect(await Promise.all(calls.map(codeOf))).toEqual(Array(3).fill('ERR_CLOSED'));
  });

  test('a part that is held at that time keeps its memory until it is released', async () => {
    const path = fileOf(content);
    const range = await map(path, { mode: 'read-write' });
    const part = await range.edit(0, 2 * CHUNK);
    for (const bytes of part) bytes.fill(3);
    await range.close();
    expect(
      readFileSync(path)
        .subarray(0, 2 * CHUNK)
        .every((byte) => byte === 3),
    ).toBe(true);
    expect(mill.stats().slices.live).toBe(2);
    part.release();
    expect(mill.stats().slices.live).toBe(0);
  });

  test('who waits for memory then is refused', async () => {
    const range = await map(fileOf(content), { cacheBytes: CHUNK });
    using part = await range.view(0, 1);
    const waiting = [1, 2].map((chunk) => codeOf(range.view(chunk * CHUNK, chunk * CHUNK + 1)));
    await range.close();
    expect(await Promise.all(waiting)).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
    expect(part.bytes[0]).toBe(content[0]);
  });

  test('what had been got for who waits goes home, too', async () => {
    const range = await map(fileOf(content), { cacheBytes: 3 * CHUNK });
    using part = await range.view(0, 1);
    const waiting = codeOf(range.view(CHUNK, 4 * CHUNK));
    await until(() => mill.stats().slices.live === 3);
    await range.close();
    expect(await waiting).toBe('ERR_CLOSED');
    expect([part.bytes[0], mill.stats().slices.live]).toEqual([content[0], 1]);
  });

  test('a signal ends the wait, and the others go on', async () => {
    await using range = await map(fileOf(content), { cacheBytes: CHUNK });
    const part = await range.view(0, 1);
    const first = new AbortController();
    const second = new AbortController();
    const waiting = [first, second].map(({ signal }) =>
      codeOf(range.view(CHUNK, CHUNK + 1, { signal })),
    );
    const last = range.view(2 * CHUNK, 2 * CHUNK + 1);
    second.abort();
    expect(await waiting[1]).toBe('ERR_ABORTED');
    first.abort();
    expect(await waiting[0]).toBe('ERR_ABORTED');
    part.release();
    (await last).release();
    const { signal } = first;
    expect(await codeOf(range.view(0, 1, { signal }))).toBe('ERR_ABORTED');
    expect(await codeOf(map(fileOf(content), { signal }))).toBe('ERR_ABORTED');
  });

  test('a signal ends the wait for a read, which others wait for as well', async () => {
    await using range = await map(fileOf(content));
    const stop = new AbortController();
    const one = codeOf(range.view(0, CHUNK, { signal: stop.signal }));
    const other = range.view(0, CHUNK);
    stop.abort();
    expect(await one).toBe('ERR_ABORTED');
    using part = await other;
    expect(Buffer.compare(part.bytes, content.subarray(0, CHUNK))).toBe(0);
  });
});

describe('trouble', () => {
  test('a file that was cut since it was mapped cannot be read there, but before', async () => {
    const path = fileOf(content);
    await using range = await map(path);
    truncateSync(path, CHUNK + 5);
    expect(await codeOf(range.view(CHUNK, CHUNK + 1))).toBe('ERR_INPUT_CHANGED');
    expect(await codeOf(range.view(5 * CHUNK, 6 * CHUNK))).toBe('ERR_INPUT_CHANGED');
    using part = await range.view(0, CHUNK);
    expect(Buffer.compare(part.bytes, content.subarray(0, CHUNK))).toBe(0);
    writeFileSync(path, content);
    using again = await range.view(5 * CHUNK, 6 * CHUNK);
    expect(Buffer.compare(again.bytes, content.subarray(5 * CHUNK, 6 * CHUNK))).toBe(0);
  });

  test('a file that was cut is not made longer by a flush, and what was changed stays', async () => {
    const path = fileOf(content);
    const range = await map(path, { mode: 'read-write' });
    for (const at of [0, 5 * CHUNK]) {
      using part = await range.edit(at, at + 1);
      part.bytes[0] = content[at]! ^ 1;
    }
    truncateSync(path, CHUNK);
    expect(await codeOf(range.flush())).toBe('ERR_INPUT_CHANGED');
    expect([statSync(path).size, range.stats().changed]).toEqual([CHUNK, 2]);
    expect(await codeOf(range.close())).toBe('ERR_INPUT_CHANGED');
    expect(mill.stats().slices.live).toBe(0);
  });

  test('a full disk loses nothing until there is room', async ({ skip }) => {
    const disk = smallDisk('tmpfs', skip);
    const path = join(disk, 'file');
    writeFileSync(path, '');
    await using range = await map(path, { mode: 'read-write', end: 64 * CHUNK });
    const part = await range.edit();
    for (const bytes of part) bytes.fill(8);
    part.release();
    const filler = join(disk, 'filler');
    expect(() => writeFileSync(filler, new Uint8Array(4 * MiB))).toThrow('ENOSPC');
    expect(await systemCodeOf(range.flush())).toBe('ENOSPC');
    writeFileSync(filler, '');
    expect(await range.flush()).toBe(64 * CHUNK);
    expect(readFileSync(path).every((byte) => byte === 8)).toBe(true);
  });

  test('what cannot be opened, or has no positions, cannot be mapped', async () => {
    expect(await systemCodeOf(map(newPath()))).toBe('ENOENT');
    expect(await codeOf(map(folder()))).toBe('ERR_INVALID_ARG');
    expect(await codeOf(map(namedPipe()))).toBe('ERR_INVALID_ARG');
  });

  test.each<[MapOptions, string]>([
    [{ start: -1 }, 'start'],
    [{ start: 5, end: 4 }, 'end'],
    [{ mode: 'write' as 'read' }, 'mode'],
    [{ chunkBytes: 5000 }, 'chunkBytes'],
    [{ chunkBytes: 0 }, 'chunkBytes'],
    [{ cacheBytes: 0 }, 'cacheBytes'],
    [{ end: content.length + 1 }, 'bytes 0 to'],
    [{ start: content.length + 1 }, `bytes ${content.length + 1} to`],
  ])('%o is refused by name', async (options, name) => {
    const path = fileOf(content);
    const { code, message } = await failureOf(map(path, options));
    expect([code, message]).toEqual(['ERR_INVALID_ARG', expect.stringContaining(name)]);
    expect(openedTimes(path)).toBe(0);
  });
});

describe('direct', () => {
  async function direct(path: string, options: MapOptions = {}): Promise<MappedRange | undefined> {
    const range = await map(path, { direct: true, ...options });
    if (range.direct) return range;
    await range.close();
    return undefined;
  }

  test('files are read and written past the page cache, odd ends and all', async ({ skip }) => {
    const path = fileOf(content);
    const range = await direct(path, { mode: 'read-write', start: 4096 });
    if (!range) {
      skip('this file system has no direct I/O');
      return;
    }
    onTestFinished(() => range.close());
    expect(range.notes).toEqual([]);
    const expected = content.slice();
    for (const [start, end] of [
      [10, 5000],
      [CHUNK - 1, 3 * CHUNK + 1],
      [content.length - 4096 - 3, content.length - 4096],
      [content.length - 4096 - 9000, content.length - 4096],
    ]) {
      using part = await range.edit(start, end);
      expect(Buffer.compare(bytesOf(part), expected.subarray(start! + 4096, end! + 4096))).toBe(0);
      for (const bytes of part) bytes.fill(6);
      expected.fill(6, start! + 4096, end! + 4096);
    }
    await range.flush({ sync: true });
    expect(Buffer.compare(readFileSync(path), expected)).toBe(0);
    await range.close();
    expect(openedTimes(path)).toBe(0);
  });

  test('where that cannot be had, the range says so, and why', async ({ skip }) => {
    const ramfs = join(smallDisk('ramfs', skip), 'file');
    writeFileSync(ramfs, content);
    await using range = await map(ramfs, { direct: true });
    expect([range.direct, range.notes]).toEqual([false, [expect.stringContaining('EINVAL')]]);
    await using odd = await map(fileOf(content), { direct: true, start: 5 });
    expect([odd.direct, odd.notes]).toEqual([false, [expect.stringContaining('byte 5')]]);
    using part = await odd.view(0, 5);
    expect(Buffer.compare(part.bytes, content.subarray(5, 10))).toBe(0);
  });
});
