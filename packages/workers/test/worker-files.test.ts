import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createMill, type FlowSource } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { codeOf, systemCodeOf } from './failure.ts';
import { Gate } from './gate.ts';
import {
  copy,
  exitInPlaceChunk,
  invertChunks,
  invertChunksLater,
  joined,
  joinedWide,
} from './ops.mjs';
import { runScript } from './programs.ts';
import {
  descriptorOf,
  descriptorsOf,
  fileOf,
  namesIn,
  newPath,
  openedTimes,
  smallDisk,
} from './temporary.ts';
import { until } from './until.ts';

// Workers write the output of ops in place to the file themselves, each chunk where it belongs.

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

/** The file that a flow to `path` writes meanwhile. */
function temporaryOf(path: string): string {
  return join(dirname(path), namesIn(dirname(path))[0]!);
}

/** For each descriptor of a file whether it is open for direct I/O. */
function directOnes(path: string): boolean[] {
  return descriptorsOf(path).map((number) => {
    const flags = /^flags:\s*(\d+)$/m.exec(
      readFileSync(`/proc/self/fdinfo/${number}`, 'utf8'),
    )![1]!;
    return (Number.parseInt(flags, 8) & constants.O_DIRECT) !== 0;
  });
}

/** Whether temporary files can be had past the page cache. */
function hasDirectIo(): boolean {
  const path = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'probe');
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_DIRECT));
    return true;
  } catch {
    return false;
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
}

const inverted = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 255);

describe.each([0, 1, CHUNK - 1, CHUNK, 33 * CHUNK + 7])('of %d bytes', (bytes) => {
  const input = noise(bytes);

  test.each<[string, (bytes: Uint8Array) => FlowSource]>([
    ['a file', fileOf],
    ['a generator', (whole) => Readable.from([whole])],
  ])('%s becomes a file, of which workers write every byte', async (_name, source) => {
    const to = newPath();
    const before = mill.stats().bytes.out;
    const report = await mill.pump({ from: source(input), op: invertChunks, to });
    expect(readFileSync(to).equals(inverted(input))).toBe(true);
    expect(report).toMatchObject({ bytesIn: bytes, bytesOut: bytes, notes: [] });
    expect(mill.stats().bytes.out - before).toBe(bytes);
  });
});

test('an op that ends later is written when it has ended', async () => {
  const input = noise(9 * CHUNK + 1);
  const to = newPath();
  await mill.pump({ from: fileOf(input), op: invertChunksLater, to });
  expect(readFileSync(to).equals(inverted(input))).toBe(true);
});

test('chunks are written out of order, and the file is whole all the same', async () => {
  const input = Buffer.concat(Array.from({ length: 10 }, (_, i) => Buffer.alloc(CHUNK, i)));
  const to = newPath();
  const gate = new Gate();
  const params = { gate: gate.words, first: 0 };
  const { out } = mill.stats().bytes;
  const pumping = mill.pump({ from: fileOf(input), op: invertChunks, params, to });
  // The first chunk waits at the gate, while another worker writes those behind it.
  await gate.reached(1);
  await until(() => mill.stats().bytes.out - out === 7 * CHUNK);
  const written = readFileSync(temporaryOf(to));
  expect(written.subarray(0, CHUNK).equals(Buffer.alloc(CHUNK))).toBe(true);
  expect(written.subarray(CHUNK).equals(inverted(input.subarray(CHUNK, 8 * CHUNK)))).toBe(true);
  gate.open();
  await pumping;
  expect(readFileSync(to).equals(inverted(input))).toBe(true);
});

test('what is no file of its own is written in order by the main thread', async () => {
  const input = noise(5 * CHUNK + 1);
  const path = newPath();
  writeFileSync(path, 'before');
  const number = descriptorOf(path, 'a');
  const stream = new PassThrough();
  const streamed = buffer(stream);
  await mill.pump({ from: fileOf(input), op: invertChunks, to: number });
  await mill.pump({ from: fileOf(input), op: invertChunks, to: [stream, newPath()] });
  expect(readFileSync(path).equals(Buffer.concat([Buffer.from('before'), inverted(input)]))).toBe(
    true,
  );
  expect((await streamed).equals(inverted(input))).toBe(true);
});

test('a file can be pumped onto itself', async () => {
  const input = noise(20 * CHUNK + 3);
  const path = fileOf(input);
  await mill.pump({ from: path, op: invertChunks, to: path });
  expect(readFileSync(path).equals(inverted(input))).toBe(true);
});

test('a chunk whose thread died midway is read, changed and written anew', async () => {
  const input = noise(10 * CHUNK);
  const to = newPath();
  const gate = new Gate();
  const params = { gate: gate.words, times: 2 };
  const report = await mill.pump({ from: fileOf(input), op: exitInPlaceChunk, params, to });
  expect(report.retries).toBe(2);
  expect(readFileSync(to).equals(inverted(input))).toBe(true);
});

describe('nothing partial is left', () => {
  test('on a disk that is full: the system says so', async ({ skip }) => {
    const disk = smallDisk('tmpfs', skip);
    const to = join(disk, 'output');
    const pumping = mill.pump({ from: fileOf(noise(4 * MiB)), op: invertChunks, to });
    expect(await systemCodeOf(pumping)).toBe('ENOSPC');
    expect(namesIn(disk)).toEqual([]);
    // There is room again, and the mill works on.
    const small = noise(MiB);
    await mill.pump({ from: small, op: invertChunks, to });
    expect(readFileSync(to).equals(inverted(small))).toBe(true);
  });

  test('where a write does less than it was asked for, and the next one fails', async () => {
    // The limit on a file's size, 300 blocks, lies within the last chunk: so much is written, then comes EFBIG.
    const to = newPath();
    const script = fileURLToPath(new URL('one-pump.mjs', import.meta.url));
    const shell = ['-c', 'ulimit -f 300; exec "$@"', 'sh', process.execPath, script];
    const { stdout, stderr } = spawnSync('sh', [...shell, fileOf(noise(3 * CHUNK)), to], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ code: 'ERR_WRITE', system: 'EFBIG', live: 0 });
    expect(namesIn(dirname(to))).toEqual([]);
  });

  test('when it is aborted', async () => {
    const from = fileOf(noise(4 * MiB));
    const to = newPath();
    const gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const params = { gate: gate.words };
    const pumping = codeOf(mill.pump({ from, op: invertChunks, params, to, signal }));
    await gate.reached(2);
    controller.abort();
    gate.open();
    expect(await pumping).toBe('ERR_ABORTED');
    expect(namesIn(dirname(to))).toEqual([]);
    expect(openedTimes(from)).toBe(0);
  });

  test('when the source shrinks', async () => {
    const from = fileOf(noise(20 * CHUNK));
    const to = newPath();
    const gate = new Gate();
    const params = { gate: gate.words };
    const pumping = codeOf(mill.pump({ from, op: invertChunks, params, to }));
    await gate.reached(2);
    truncateSync(from, 10 * CHUNK + 5);
    gate.open();
    expect(await pumping).toBe('ERR_INPUT_CHANGED');
    expect(namesIn(dirname(to))).toEqual([]);
  });
});

describe.skipIf(!hasDirectIo())('direct: true', () => {
  const LAST = [0, 1, 511, 512, 4095, 4096];

  test.each(LAST)('an op in place, with %d bytes in the last page', async (bytes) => {
    for (const chunks of [0, 1, 9]) {
      const input = noise(chunks * CHUNK + bytes);
      const to = newPath();
      const { notes } = await mill.pump({
        from: fileOf(input),
        op: invertChunks,
        to,
        direct: true,
      });
      if (input.length > 0) expect(notes).toEqual([]);
      expect(statSync(to).size).toBe(input.length);
      expect(readFileSync(to).equals(inverted(input))).toBe(true);
    }
  });

  test.each(LAST)('an op that is cut anywhere, with %d bytes in the last page', async (bytes) => {
    for (const [op, chunk] of [
      [joined, 1000],
      [joinedWide, 5000],
    ] as const) {
      const input = noise(20 * 4096 + bytes);
      const plain = newPath();
      const direct = newPath();
      await mill.pump({ from: fileOf(input), op, to: plain });
      const { notes, chunks } = await mill.pump({
        from: fileOf(input),
        op,
        to: direct,
        direct: true,
      });
      expect(chunks).toBe(Math.ceil(input.length / chunk));
      expect(notes).toEqual([
        `Wrote ${direct} through the page cache as pieces of its output need not be whole pages`,
      ]);
      expect(readFileSync(direct).equals(readFileSync(plain))).toBe(true);
    }
  });

  test('reads and writes whole pages with O_DIRECT, but for the tail', async () => {
    const input = noise(9 * CHUNK + 100);
    const from = fileOf(input);
    const to = newPath();
    const gate = new Gate();
    const params = { gate: gate.words };
    const pumping = mill.pump({ from, op: invertChunks, params, to, direct: true });
    await gate.reached(1);
    expect(directOnes(from)).toEqual([true]);
    expect(directOnes(temporaryOf(to))).toEqual([false, true]);
    gate.open();
    await pumping;
    expect(readFileSync(to).equals(inverted(input))).toBe(true);
    expect(openedTimes(from) + openedTimes(to)).toBe(0);
  });

  test('a file that grows while it is read is read to its end', async () => {
    const from = fileOf(noise(20 * CHUNK + 9));
    const to = newPath();
    const gate = new Gate();
    const params = { gate: gate.words };
    const pumping = mill.pump({ from, op: invertChunks, params, to, direct: true });
    await gate.reached(1);
    writeFileSync(from, noise(2 * CHUNK + 77), { flag: 'a' });
    gate.open();
    expect((await pumping).bytesIn).toBe(22 * CHUNK + 86);
    expect(readFileSync(to).equals(inverted(readFileSync(from)))).toBe(true);
  });

  test('a file that shrinks while it is read is told', async () => {
    const from = fileOf(noise(20 * CHUNK));
    const to = newPath();
    const gate = new Gate();
    const params = { gate: gate.words };
    const pumping = codeOf(mill.pump({ from, op: invertChunks, params, to, direct: true }));
    await gate.reached(2);
    truncateSync(from, 10 * CHUNK + 5);
    gate.open();
    expect(await pumping).toBe('ERR_INPUT_CHANGED');
    expect(namesIn(dirname(to))).toEqual([]);
  });

  describe('where it cannot be had, the plain way is taken, and a note says why', () => {
    test('a file system that does not have it', async ({ skip }) => {
      const disk = smallDisk('ramfs', skip);
      const input = noise(5 * CHUNK + 1);
      const from = join(disk, 'input');
      const to = join(disk, 'output');
      writeFileSync(from, input);
      const { notes } = await mill.pump({ from, op: invertChunks, to, direct: true });
      expect(notes).toEqual([
        expect.stringContaining(`Read ${from} through the page cache as EINVAL`),
        expect.stringContaining(`Wrote ${to} through the page cache as EINVAL`),
      ]);
      expect(notes[1]).toContain(`'${to}'`);
      expect(readFileSync(to).equals(inverted(input))).toBe(true);
    });

    test.each<[string, () => FlowSource, RegExp]>([
      ['a stream', () => Readable.from([noise(99)]), /^Read the source as it came/],
      ['bytes', () => noise(99), /^Read the source as it came/],
      [
        'a file without bytes on a disk',
        () => '/proc/self/cmdline',
        /not a file with bytes on a disk/,
      ],
    ])('%s', async (_name, source, note) => {
      const { notes } = await mill.pump({
        from: source(),
        op: copy,
        to: new PassThrough().resume(),
        direct: true,
      });
      expect(notes).toEqual([expect.stringMatching(note)]);
    });

    test('several targets', async () => {
      const input = noise(3 * CHUNK);
      const from = fileOf(input);
      const to = [newPath(), newPath()];
      const { notes } = await mill.pump({ from, op: invertChunks, to, direct: true });
      expect(notes).toEqual([expect.stringMatching(/^Wrote in order as several targets/)]);
      for (const path of to) expect(readFileSync(path).equals(inverted(input))).toBe(true);
    });

    test('slices that do not begin with a page', async () => {
      const input = noise(3 * CHUNK + 1);
      const to = newPath();
      const args = [fileOf(input), to, 'plain'];
      const { stdout, stderr, exitCode } = await runScript('one-pump.mjs', ...args);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const reason = expect.stringContaining('slices do not begin with a page (shared WebAssembly');
      expect(JSON.parse(stdout)).toEqual({ arena: 'plain', notes: [reason, reason], live: 0 });
      expect(readFileSync(to).equals(inverted(input))).toBe(true);
    });
  });

  test('a source that is missing is named as ever', async () => {
    const pumping = mill.pump({ from: newPath(), op: copy, to: newPath(), direct: true });
    expect(await systemCodeOf(pumping)).toBe('ENOENT');
  });
});
