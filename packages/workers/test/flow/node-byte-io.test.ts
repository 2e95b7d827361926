import { createReadStream, createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { Duplex, PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { threadId } from 'node:worker_threads';
import {
  BufferPools,
  ChunkedTeeReader,
  copyInChunks,
  type ByteReader,
  type ByteWriter,
  type Chunk,
  type ChunkSource,
} from '@millrace/core';
import {
  createMill,
  readerOf,
  writerOf,
  type NodeByteSource,
  type NodeByteTarget,
} from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { noise } from '../content.ts';
import { failureOf } from '../failure.ts';
import {
  descriptorOf,
  descriptorsOf,
  device,
  fileOf,
  folder,
  namedPipe,
  namesIn,
  newPath,
} from '../temporary.ts';
import { until } from '../until.ts';
import type * as Copying from './copying.mjs';

const CHUNK = 16 * 1024;
/** No whole number of chunks. */
const content = new Uint8Array(noise(20 * CHUNK + 123));

let pools: BufferPools;
let chunks: ChunkSource & { readonly memory: Set<ArrayBufferLike>; readonly slots: Set<number> };

beforeEach(() => {
  pools = BufferPools.create({ memory: 16 * 2 ** 20 }, threadId);
  const memory = new Set<ArrayBufferLike>();
  const slots = new Set<number>();
  const tryTake = (bytes: number): Chunk => {
    const slice = pools.acquire(bytes);
    memory.add(slice.bytes.buffer);
    slots.add(slice.ref);
    return slice;
  };
  chunks = { take: tryTake, tryTake, memory, slots };
});

afterEach(() => {
  expect(pools.stats().slices.live, 'slices out at the end').toBe(0);
});

async function copy(to: NodeByteTarget, from: NodeByteSource): Promise<number> {
  const [writer, reader] = [writerOf(to), readerOf(from)];
  const bytes = await copyInChunks(writer, reader, undefined, chunks, { chunkSize: CHUNK });
  await writer.close?.();
  return bytes;
}

function tee(from: NodeByteSource, branch: NodeByteTarget): ChunkedTeeReader {
  return new ChunkedTeeReader(readerOf(from), writerOf(branch), chunks, { chunkSize: CHUNK });
}

async function bytesFrom(source: NodeByteSource): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  await copy({ write: (bytes: Uint8Array) => void parts.push(bytes.slice()) }, source);
  return new Uint8Array(Buffer.concat(parts));
}

/** The runner's own comparison takes seconds for this many. */
function expectSame(bytes: Uint8Array, expected: Uint8Array): void {
  expect(bytes.length).toBe(expected.length);
  expect(Buffer.compare(bytes, expected)).toBe(0);
}

/** The content in pieces that are smaller and larger than a chunk. */
function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0, length = 1; at < bytes.length; at += length, length = (length * 7) % 30_011) {
    yield bytes.subarray(at, at + length);
  }
}

async function listening(
  listener: (...exchange: Parameters<RequestListener>) => void | Promise<void>,
): Promise<{ server: Server; port: number }> {
  const server = createServer((...exchange) => void listener(...exchange)).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

function fetched(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
  });
}

describe('A reader', () => {
  test('of a path, URL or descriptor, or of a part of a file, gives its bytes', async () => {
    const path = fileOf(content);
    expectSame(await bytesFrom(path), content);
    expectSame(await bytesFrom(pathToFileURL(path)), content);
    expectSame(await bytesFrom(descriptorOf(path, 'r')), content);
    const handle = await open(path);
    expectSame(await bytesFrom({ file: handle, position: 100 }), content.subarray(100));
    expectSame(await bytesFrom(handle), content);
    expect(await bytesFrom(handle)).toHaveLength(0);
    expect(await bytesFrom({ file: handle.fd, position: content.length })).toHaveLength(0);
    await handle.close();
    expect(descriptorsOf(path)).toHaveLength(1);
  });

  test('of a file whose size nobody knows gives its bytes', async () => {
    expect(Buffer.from(await bytesFrom('/proc/self/cmdline'))).toEqual(
      readFileSync('/proc/self/cmdline'),
    );
  });

  test('of a path that does not exist fails with the cause', async () => {
    expect(await failureOf(bytesFrom(newPath()))).toMatchObject({
      code: 'ERR_READ',
      cause: { code: 'ENOENT' },
    });
  });

  test('closes the file when it is cancelled, before and after it was read from', async () => {
    const path = fileOf(content);
    for (const reads of [0, 1]) {
      const reader = readerOf(path);
      for (let i = 0; i < reads; i++) await reader.read(new Uint8Array(10));
      await reader.cancel?.('enough');
      expect(descriptorsOf(path)).toEqual([]);
    }
  });

  test('comes back when it is cancelled while it waits for a pipe', async () => {
    const path = namedPipe();
    const opening = readerOf(path);
    const waitsToOpen = opening.read(new Uint8Array(10));
    await opening.cancel?.('enough');
    expect(await waitsToOpen).toBe(0);

    const reader = readerOf(path);
    const first = reader.read(new Uint8Array(3));
    const writer = await open(path, 'w');
    await writer.write('abc');
    expect(await first).toBe(3);
    const into = new Uint8Array(3);
    const stuck = reader.read(into);
    await reader.cancel?.('enough');
    expect(await stuck).toBe(0);
    await writer.write('def');
    await writer.close();
    await until(() => descriptorsOf(path).length === 0);
    // What came too late went to memory of its own.
    expect([...into]).toEqual([0, 0, 0]);
  });

  test('of a stream gives its bytes, of a socket, a file or any other', async () => {
    const path = fileOf(content);
    expectSame(await bytesFrom(createReadStream(path)), content);
    expectSame(await bytesFrom(Readable.from(piecesOf(content))), content);
    const server = createTcpServer((socket) => socket.end(content)).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expectSame(await bytesFrom(connect(port, '127.0.0.1')), content);
    const text = Readable.from(['é', 'ü'], { objectMode: true });
    expect(Buffer.from(await bytesFrom(text)).toString()).toBe('éü');
  });

  test('of a stream answers at once while that has something', async () => {
    const stream = new PassThrough();
    const reader = readerOf(stream);
    stream.end(content.subarray(0, 30));
    const into = new Uint8Array(10);
    expect(await reader.read(into)).toBe(10);
    expect([reader.read(into), reader.read(into)]).toEqual([10, 10]);
    expect(await reader.read(into)).toBe(0);
    expect(reader.read(into)).toBe(0);
  });

  test('of a stream that ended before, or that failed, says so', async () => {
    const ended = Readable.from([]);
    await buffer(ended);
    expect(await readerOf(ended).read(new Uint8Array(1))).toBe(0);

    const closed = new PassThrough();
    closed.destroy();
    expect(await failureOf(bytesFrom(closed))).toMatchObject({ code: 'ERR_READ' });

    const closing = new PassThrough();
    const reading = bytesFrom(closing);
    closing.destroy();
    expect(await failureOf(reading)).toMatchObject({
      code: 'ERR_READ',
      message: expect.stringContaining('closed before its end'),
    });

    const failing = new PassThrough();
    const failure = bytesFrom(failing);
    failing.destroy(new Error('as planned'));
    expect(await failureOf(failure)).toMatchObject({
      code: 'ERR_READ',
      cause: { message: 'as planned' },
    });
  });

  test('of a stream comes back and destroys it when it is cancelled, and survives its last words', async () => {
    const stream = new Duplex({
      read() {},
      destroy(_error, callback) {
        callback(new Error('last words'));
      },
    });
    const reader = readerOf(stream);
    const reading = reader.read(new Uint8Array(1));
    await reader.cancel?.('enough');
    expect(await reading).toBe(0);
    expect(stream.destroyed).toBe(true);
    await until(() => stream.closed);
  });

  test('is as in the core for all else', async () => {
    expectSame(await bytesFrom(content), content);
    expectSame(await bytesFrom(piecesOf(content)), content);
    expectSame(await bytesFrom(new Blob([content]).stream()), content);
    const own = { file: 'of its own', position: 0, read: () => 0 };
    expect(readerOf(own)).toBe(own);
    expect(() => readerOf({} as ByteReader)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    );
  });
});

describe('A writer', () => {
  test('of a path or URL makes the file appear when it is closed, and no sooner', async () => {
    const path = newPath();
    for (const target of [path, pathToFileURL(path), { path }]) {
      const writer = writerOf(target);
      expect(namesIn(dirname(path))).toEqual(target === path ? [] : ['output']);
      await writer.write(content);
      if (target === path) expect(namesIn(dirname(path))).not.toContain('output');
      await writer.close?.();
      expectSame(readFileSync(path), content);
      expect(namesIn(dirname(path))).toEqual(['output']);
    }
  });

  test('of a path makes an empty file when nothing is written', async () => {
    const path = newPath();
    await writerOf(path).close?.();
    expect(readFileSync(path)).toHaveLength(0);
  });

  test('of a path leaves nothing behind when it is aborted, or fails', async () => {
    const path = newPath();
    await writerOf(path).abort?.('before the first write');
    const writer = writerOf(path);
    const writing = writer.write(content);
    await writer.abort?.('while it writes');
    await Promise.resolve(writing).catch(() => {});
    expect(namesIn(dirname(path))).toEqual([]);

    writeFileSync(path, 'old');
    const refused = writerOf({ path, overwrite: false });
    expect(await failureOf(copy(refused, content))).toMatchObject({ code: 'ERR_TARGET_EXISTS' });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(namesIn(dirname(path))).toEqual(['output']);
  });

  test('of a descriptor writes from where it stands, of a part of a file from there', async () => {
    const path = fileOf('0123456789');
    const handle = await open(path, 'r+');
    await copy(handle, Buffer.from('ab'));
    await copy({ file: handle, position: 7 }, Buffer.from('xy'));
    await copy({ file: handle.fd, position: 9 }, [Buffer.from('u'), Buffer.from('v')]);
    await copy(handle.fd, Buffer.from('cd'));
    expect(await handle.read(Buffer.alloc(1), 0, 1)).toMatchObject({ bytesRead: 1 });
    await handle.close();
    expect(readFileSync(path, 'utf8')).toBe('abcd456xyuv');
  });

  test('that finds the disk full fails with the cause', async () => {
    const full = descriptorOf(device('full'), 'w');
    expect(await failureOf(copy(full, content))).toMatchObject({
      code: 'ERR_WRITE',
      cause: { code: 'ENOSPC' },
    });
  });

  test('of a stream that may pass the memory on gives it copies', async () => {
    const stream = new PassThrough();
    const got = buffer(stream);
    expect(await copy(stream, content)).toBe(content.length);
    expectSame(await got, content);

    const kept: Buffer[] = [];
    const keeping = new Writable({
      write(piece: Buffer, _encoding, callback) {
        kept.push(piece);
        callback();
      },
    });
    await copy(keeping, content);
    expectSame(Buffer.concat(kept), content);
    expect(chunks.slots.size).toBeLessThanOrEqual(2);
  });

  test("of a file's stream hands it the very memory", async () => {
    const path = newPath();
    const stream = createWriteStream(path);
    const seen = new Set<ArrayBufferLike>();
    const write = stream._write.bind(stream);
    stream._write = (piece: Buffer, ...rest) => {
      seen.add(piece.buffer);
      write(piece, ...rest);
    };
    await copy(stream, content);
    expect(seen).toEqual(chunks.memory);
    expectSame(readFileSync(path), content);
  });

  test('of a stream fails when that is closed before the end, and destroys it when it is aborted', async () => {
    const closed = new PassThrough();
    closed.destroy();
    expect(await failureOf(copy(closed, content))).toMatchObject({ code: 'ERR_WRITE' });

    // Nobody reads it: it takes what it has room for, and is stuck.
    const stuck = new PassThrough({ highWaterMark: 1 });
    const writer = writerOf(stuck);
    const abort = new AbortController();
    const copying = copyInChunks(writer, readerOf(content), undefined, chunks, {
      chunkSize: CHUNK,
      signal: abort.signal,
    });
    await until(() => stuck.readableLength > 0);
    abort.abort('enough');
    expect(await failureOf(Promise.resolve(copying))).toMatchObject({ code: 'ERR_ABORTED' });
    expect(stuck.destroyed).toBe(true);
  });

  test('is as in the core for all else', async () => {
    const memory = new Uint8Array(content.length);
    await copy(memory, content);
    expectSame(memory, content);
    const own = { file: 'of its own', position: 0, write: () => {} };
    expect(writerOf(own)).toBe(own);
    expect(() => writerOf({} as ByteWriter)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    );
  });
});

describe('A tee in an HTTP server', () => {
  test('sends an object to the client and into a file, from the same memory', async () => {
    const object = fileOf(content);
    const cached = newPath('cached');
    const sent = new Set<ArrayBufferLike>();
    let report: unknown;
    const { port } = await listening(async (_request, response) => {
      const { socket } = response;
      const write = socket!.write.bind(socket);
      socket!.write = (piece: Buffer | string, ...rest: []) => {
        // The frame around each piece is text.
        if (typeof piece === 'object' && piece.length > 2) sent.add(piece.buffer);
        return write(piece, ...rest);
      };
      const it = tee(object, cached);
      await it.pipeTo(writerOf(response));
      report = await it.finished;
    });
    const got = await buffer(await fetched(port));
    expectSame(got, content);
    await until(() => report !== undefined);
    expect(report).toMatchObject({
      bytesRead: content.length,
      chunksUsed: 21,
      branch: { state: 'closed', bytesWritten: content.length },
    });
    expectSame(readFileSync(cached), content);
    expect(chunks.slots.size).toBeLessThanOrEqual(6);
    expect(sent).toEqual(chunks.memory);
  });

  test('leaves no file when the client goes away in the middle', async () => {
    const cache = folder();
    const source = new PassThrough();
    source.write(content);
    let outcome: Promise<unknown> | undefined;
    const { port } = await listening((_request, response) => {
      const it = tee(source, `${cache}/cached`);
      outcome = failureOf(it.pipeTo(writerOf(response))).then(async (error) => ({
        error,
        report: await it.finished,
      }));
    });
    const response = await fetched(port);
    await new Promise((resolve) => response.once('data', resolve));
    response.destroy();
    // The server learns of it when it sends more.
    const more = setInterval(() => source.write(content), 5);
    onTestFinished(() => clearInterval(more));
    await until(() => outcome !== undefined);
    expect(await outcome).toMatchObject({
      error: { code: 'ERR_WRITE' },
      report: { branch: { state: 'dropped', error: { code: 'ERR_ABORTED' } } },
    });
    expect(namesIn(cache)).toEqual([]);
    expect(source.destroyed).toBe(true);
  });

  test('fails the client and leaves no file when the origin breaks off', async () => {
    const cache = folder();
    const source = new PassThrough();
    source.write(content);
    let outcome: Promise<unknown> | undefined;
    const { port } = await listening((_request, response) => {
      outcome = failureOf(tee(source, `${cache}/cached`).pipeTo(writerOf(response)));
    });
    const response = await fetched(port);
    await new Promise((resolve) => response.once('data', resolve));
    source.destroy(new Error('as planned'));
    await expect(buffer(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await outcome).toMatchObject({ code: 'ERR_READ', cause: { message: 'as planned' } });
    await until(() => namesIn(cache).length === 0);
  });

  test('sends on when the cache is broken', async () => {
    const full = descriptorOf(device('full'), 'w');
    let report: Promise<unknown> | undefined;
    const { port } = await listening((_request, response) => {
      const it = tee(content, full);
      report = it.pipeTo(writerOf(response)).then(() => it.finished);
    });
    const got = await buffer(await fetched(port));
    expectSame(got, content);
    expect(await report).toMatchObject({
      error: undefined,
      branch: { state: 'dropped', error: { code: 'ERR_WRITE', cause: { code: 'ENOSPC' } } },
    });
  });

  test('answers a request for the head alone, and one of many on a connection', async () => {
    const { port } = await listening(async (_request, response) => {
      await tee(content, new PassThrough().resume()).pipeTo(writerOf(response));
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const answers = (await buffer(socket)).toString('latin1');
    expect(answers.match(/HTTP\/1.1 200 OK/g)).toHaveLength(3);
    expect(answers.length).toBeGreaterThan(2 * content.length);
  });
});

test('The threads of a mill have readers and writers too', async () => {
  await using mill = await createMill({ threads: 1 });
  const [from, to] = [fileOf(content), newPath()];
  const { copyFile } = await mill.load<typeof Copying>(new URL('copying.mjs', import.meta.url));
  await mill.call(copyFile, [from, to]);
  expectSame(readFileSync(to), content);
});
