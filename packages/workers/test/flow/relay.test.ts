/** Pumps without an op: bytes go as they are, from one descriptor to another, and none is on the heap. */
import { spawn } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  fstatSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createMill, type FlowProgress, type Slice } from '@millrace/workers';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { MiB, noise } from '../content.ts';
import { codeOf, systemCodeOf } from '../failure.ts';
import { descriptorOf, device, fileOf, folder, namedPipe, namesIn, newPath } from '../temporary.ts';
import { until } from '../until.ts';

const KiB = 1024;
const SLICE = 256 * KiB;

const mill = await createMill({
  threads: 1,
  memory: 16 * MiB,
  adaptive: { acquireTimeoutMs: 100 },
});
afterAll(() => mill.close());
afterEach(() => until(() => mill.stats().slices.live === 0));

const content = noise(5 * SLICE + 123);

describe('from and to', () => {
  test('descriptors of files, from where they stand; they stay open', async () => {
    const to = newPath();
    const [from, into] = [descriptorOf(fileOf(content), 'r'), descriptorOf(to, 'w')];
    const report = await mill.pump({ from, to: into });
    expect(report).toMatchObject({ bytesIn: content.length, bytesOut: content.length, threads: 0 });
    expect(readFileSync(to).equals(content)).toBe(true);
    expect([fstatSync(from).size, fstatSync(into).size]).toEqual(Array(2).fill(content.length));
    expect((await mill.pump({ from, to: into })).bytesIn).toBe(0);
  });

  test('handles and positions, a number of bytes', async () => {
    const path = newPath();
    writeFileSync(path, content);
    const handle = await open(path, 'r+');
    onTestFinished(() => handle.close());
    const source = await open(fileOf(content));
    onTestFinished(() => source.close());
    const { bytesIn, bytesOut } = await mill.pump({
      from: { file: source, position: 1000 },
      to: { file: handle, position: 5000 },
      length: SLICE + 1,
    });
    expect([bytesIn, bytesOut]).toEqual([SLICE + 1, SLICE + 1]);
    const expected = Buffer.from(content);
    content.copy(expected, 5000, 1000, 1000 + SLICE + 1);
    expect(readFileSync(path).equals(expected)).toBe(true);
    await mill.pump({ from: source, to: handle, length: 3 });
    expect(readFileSync(path).subarray(0, 3).equals(content.subarray(0, 3))).toBe(true);
  });

  test('paths: the target appears when it is whole', async () => {
    const to = newPath();
    await mill.pump({ from: fileOf(content), to, length: 0 });
    expect(readFileSync(to)).toHaveLength(0);
    await mill.pump({ from: fileOf(content), to });
    expect(readFileSync(to).equals(content)).toBe(true);
  });

  test('pipes, however their ends come along', async () => {
    const [pipe, to] = [namedPipe(), newPath()];
    const reader = spawn('sh', ['-c', 'cat "$0" > "$1"', pipe, to]);
    const into = await open(pipe, 'w');
    await mill.pump({ from: fileOf(content), to: into });
    await into.close();
    await until(() => reader.exitCode !== null);
    expect(readFileSync(to).equals(content)).toBe(true);

    spawn('sh', ['-c', 'head -c 100 "$0" > "$1"; tail -c +101 "$0" > "$1"', fileOf(content), pipe]);
    const from = descriptorOf(pipe, 'r');
    const back = newPath();
    await mill.pump({ from, to: back, length: 100 });
    expect(readFileSync(back).equals(content.subarray(0, 100))).toBe(true);
    await buffer(createReadStream('', { fd: from, autoClose: false }));
  });

  test('a socket', async () => {
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const { port } = server.address() as AddressInfo;
    const there = connect(port);
    const here = await accepted;
    const received = buffer(there);
    await mill.pump({ from: fileOf(content), to: here });
    expect((await received).equals(content)).toBe(true);
  });

  test('streams and bytes as well, and several targets', async () => {
    const [path, stream] = [newPath(), new PassThrough()];
    const received = buffer(stream);
    await mill.pump({ from: Readable.from([content]), to: [path, stream] });
    expect((await received).equals(content)).toBe(true);
    expect(readFileSync(path).equals(content)).toBe(true);
  });
});

describe('on its way', () => {
  test('it takes four slices at most, however large the object is', async () => {
    const from = fileOf(noise(40 * SLICE));
    let most = 0;
    const progress: FlowProgress[] = [];
    await mill.pump({
      from,
      to: newPath(),
      onProgress(now) {
        progress.push(now);
        most = Math.max(most, mill.stats().slices.live);
      },
    });
    expect(most).toBeLessThanOrEqual(4);
    expect(progress.at(-1)).toMatchObject({ bytesOut: 40 * SLICE, totalBytes: 40 * SLICE });
  });

  test('it goes on with one slice where memory is short, and says so where there is none', async () => {
    const others: Slice[] = [];
    for (let slice; (slice = mill.buffers.tryAcquire(4 * MiB));) others.push(slice);
    const from = fileOf(content);
    expect(await codeOf(mill.pump({ from, to: newPath() }))).toBe('ERR_POOL_EXHAUSTED');
    const waiting = mill.pump({ from, to: newPath() });
    for (const slice of others) slice.release();
    expect((await waiting).bytesOut).toBe(content.length);
  });

  test('an abort ends it, and leaves nothing', async () => {
    const to = folder();
    for (const when of [0, 1]) {
      const stop = new AbortController();
      const cause = new Error('enough');
      let times = 0;
      if (when === 0) stop.abort(cause);
      const pumping = mill.pump({
        from: fileOf(content),
        to: `${to}/output`,
        signal: stop.signal,
        // Four slices are written at a time at most, so this is not the last write.
        onProgress: () => void (++times === when && stop.abort(cause)),
      });
      await expect(pumping).rejects.toMatchObject({ code: 'ERR_ABORTED', cause });
      expect(mill.stats().slices.live).toBe(0);
      expect(namesIn(to)).toEqual([]);
    }
  });

  test('an abort does not wait for a pipe that never gives anything', async () => {
    const pipe = namedPipe();
    const writer = open(pipe, 'r+');
    const from = await open(pipe, 'r');
    const stop = new AbortController();
    const pumping = codeOf(mill.pump({ from, to: newPath(), signal: stop.signal }));
    await until(() => mill.stats().slices.live === 1);
    stop.abort();
    expect(await pumping).toBe('ERR_ABORTED');
    // The read comes back now, and its slice with it.
    const handle = await writer;
    await handle.write('x');
    await until(() => mill.stats().slices.live === 0);
    await handle.close();
    await from.close();
  });

  test('a full disk and a source that cannot be read are told', async () => {
    expect(await systemCodeOf(mill.pump({ from: fileOf(content), to: device('full') }))).toBe(
      'ENOSPC',
    );
    expect(await systemCodeOf(mill.pump({ from: folder(), to: newPath() }))).toBe('EISDIR');
    const closed = await open(fileOf(content));
    const { fd } = closed;
    await closed.close();
    expect(await systemCodeOf(mill.pump({ from: { file: fd, position: 0 }, to: newPath() }))).toBe(
      'EBADF',
    );
  });

  test.each([-1, 0.5, Number.NaN])('a length of %d is refused', async (length) => {
    expect(await codeOf(mill.pump({ from: fileOf(content), to: newPath(), length }))).toBe(
      'ERR_INVALID_ARG',
    );
  });

  test('an op that is undefined is a mistake, not a copy', async () => {
    const op = undefined as never;
    expect(await codeOf(mill.pump({ from: fileOf(content), op, to: newPath() }))).toBe(
      'ERR_INVALID_ARG',
    );
  });
});

describe('the heap', () => {
  const large = 128 * MiB;

  /** Bytes of buffers that come and go while `work` calls what it is given, by what is there more each time. */
  async function allocatedBy(work: (look: () => void) => Promise<unknown>): Promise<number> {
    let allocated = 0;
    let last = Infinity;
    await work(() => {
      const { arrayBuffers, external } = process.memoryUsage();
      allocated += Math.max(0, arrayBuffers + external - last);
      last = arrayBuffers + external;
    });
    return allocated;
  }

  test('has none of the bytes that go from a file to another', async () => {
    const from = fileOf(noise(large));
    const pumped = await allocatedBy((onProgress) =>
      mill.pump({ from: descriptorOf(from, 'r'), to: descriptorOf(newPath(), 'w'), onProgress }),
    );
    expect(pumped).toBeLessThan(MiB);
    // Node's streams have all of them there, which shows that such a thing is seen.
    const piped = await allocatedBy((look) =>
      pipeline(
        createReadStream(from),
        async function* each(pieces: AsyncIterable<Uint8Array>) {
          for await (const piece of pieces) {
            look();
            yield piece;
          }
        },
        createWriteStream(newPath()),
      ),
    );
    expect(piped).toBeGreaterThan(large / 2);
  });
});
