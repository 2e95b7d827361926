import { getEventListeners, once } from 'node:events';
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { PassThrough, Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gunzipSync } from 'node:zlib';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, expect, test } from 'vitest';
import { BLOCK, MiB, noise, text } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy, failAt, sum } from './ops.mjs';
import { runScript } from './programs.ts';
import { fileOf, newPath } from './temporary.ts';
import { standstill, until } from './until.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => until(() => mill.stats().slices.live === 0 && mill.stats().tasks.inFlight === 0));

/** All of the input in pieces of one size, and how much of it has been asked for. */
class Pieces {
  taken = 0;
  readonly #input: Buffer;
  readonly #size: number;

  constructor(input: Buffer, size: number) {
    this.#input = input;
    this.#size = size;
  }

  *[Symbol.iterator](): Generator<Buffer> {
    while (this.taken < this.#input.length) {
      const piece = this.#input.subarray(this.taken, this.taken + this.#size);
      this.taken += piece.length;
      yield piece;
    }
  }
}

test('stands in a pipeline, between files', async () => {
  const input = text(5 * MiB);
  const to = newPath();
  await pipeline(
    createReadStream(fileOf(input)),
    mill.stream(gzip, { level: 1 }),
    createWriteStream(to),
  );
  expect(gunzipSync(readFileSync(to)).equals(input)).toBe(true);
});

test('stands in a pipeline with other transformations', async () => {
  const input = noise(3 * MiB);
  const output = new PassThrough();
  const collected = buffer(output);
  await pipeline(
    Readable.from(new Pieces(input, 50_000)),
    mill.stream(gzip),
    createGunzip(),
    mill.stream(copy),
    output,
  );
  expect((await collected).equals(input)).toBe(true);
});

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 16 * CHUNK, 16 * CHUNK + 1])(
  'gives back an object of %d bytes, whatever the pieces',
  async (bytes) => {
    const input = noise(bytes);
    for (const size of [1000, CHUNK, 3 * CHUNK + 7]) {
      const stream = mill.stream(copy);
      const output = buffer(stream);
      await pipeline(Readable.from(new Pieces(input, size)), stream);
      expect((await output).equals(input)).toBe(true);
    }
  },
);

test('takes many tiny writes, and strings', async () => {
  const stream = mill.stream(copy);
  const output = buffer(stream);
  for (let i = 0; i < 5000; i++) stream.write(i % 2 === 0 ? 'ö' : Buffer.from([i % 128]));
  stream.end('fin');
  const expected = Array.from({ length: 5000 }, (_, i) =>
    i % 2 === 0 ? Buffer.from('ö') : Buffer.from([i % 128]),
  );
  expect((await output).equals(Buffer.concat([...expected, Buffer.from('fin')]))).toBe(true);
});

test('ends at once when nothing is written', async () => {
  const stream = mill.stream(gzip);
  stream.end();
  expect(gunzipSync(await buffer(stream)).length).toBe(0);
});

test('takes in no more than a window ahead of its reader', async () => {
  const input = noise(24 * MiB);
  const pieces = new Pieces(input, 10_000);
  const stream = Readable.from(pieces).pipe(mill.stream(copy));
  let read = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    if (read < MiB) await standstill(() => pieces.taken);
    // 8 chunks in the window, 8 on their way out, one being filled, and what Node's own buffers hold.
    expect(pieces.taken - read).toBeLessThanOrEqual(17 * CHUNK + 4 * 65_536);
    expect(piece.equals(input.subarray(read, read + piece.length))).toBe(true);
    read += piece.length;
  }
  expect(read).toBe(input.length);
});

test('says by `write` and `drain` when to stop and when to go on', async () => {
  const stream = mill.stream(copy);
  let written = 0;
  while (stream.write(Buffer.alloc(10_000))) written += 10_000;
  expect(written).toBeLessThan(MiB);
  await once(stream, 'drain');
  stream.end();
  await buffer(stream);
});

test('hands out memory that stays as it is', async () => {
  const input = noise(2 * MiB);
  const pieces: Buffer[] = [];
  for await (const piece of Readable.from([input]).pipe(
    mill.stream(copy),
  ) as AsyncIterable<Buffer>) {
    pieces.push(piece);
  }
  await mill.run(gzip, noise(20 * BLOCK));
  expect(pieces.every((piece) => piece.buffer instanceof ArrayBuffer)).toBe(true);
  expect(Buffer.concat(pieces).equals(input)).toBe(true);
});

test('when it is destroyed midway, it is closed once its slices are back', async () => {
  const gate = new Gate();
  const stream = mill.stream(copy, { gate: gate.words });
  stream.on('error', () => {});
  const feeding = pipeline(Readable.from(new Pieces(noise(4 * MiB), 99_999)), stream).catch(
    (error: unknown) => error,
  );
  await gate.reached(1);
  let closed = false;
  stream.once('close', () => (closed = true));
  stream.destroy(new Error('enough'));
  await new Promise(setImmediate);
  // A worker still reads one of them.
  expect(closed).toBe(false);
  gate.open();
  await until(() => closed);
  expect(mill.stats().slices.live).toBe(0);
  expect(await feeding).toBeInstanceOf(Error);
});

test.each([
  ['before anything is written', () => Promise.resolve()],
  ['while it waits to be read', () => until(() => mill.stats().slices.live > 4)],
])('can be destroyed without an error %s', async (_when, moment) => {
  const stream = mill.stream(copy);
  const source = Readable.from(new Pieces(noise(4 * MiB), 99_999));
  source.pipe(stream);
  await moment();
  stream.destroy();
  await once(stream, 'close');
  expect(stream.errored).toBeNull();
  expect(mill.stats().slices.live).toBe(0);
});

test('an error of the op destroys it, and the pipeline with it', async () => {
  const input = Buffer.concat(Array.from({ length: 30 }, (_, i) => Buffer.alloc(CHUNK, i)));
  const source = Readable.from(new Pieces(input, 77_777));
  const sink = new Writable({ write: (_piece, _encoding, callback) => callback() });
  const error = await failureOf(pipeline(source, mill.stream(failAt, { byte: 12 }), sink));
  expect(error).toMatchObject({ code: 'ERR_OP_FAILED', cause: { message: 'met 12' } });
  expect(source.destroyed && sink.destroyed).toBe(true);
});

test('an error of the source or of the sink destroys it', async () => {
  const broken = async function* () {
    yield noise(MiB);
    await new Promise(setImmediate);
    throw new Error('the sluice broke');
  };
  const stream = mill.stream(copy);
  await expect(pipeline(broken, stream, new PassThrough().resume())).rejects.toThrow(
    'the sluice broke',
  );
  expect(stream.destroyed).toBe(true);

  const other = mill.stream(copy);
  const full = new Writable({
    write: (_piece, _encoding, callback) => callback(new Error('full')),
  });
  await expect(pipeline(Readable.from([noise(MiB)]), other, full)).rejects.toThrow('full');
  expect(other.destroyed).toBe(true);
});

test('its signal destroys it with ERR_ABORTED, and is not listened to when it is over', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const stream = mill.stream(copy, undefined, { signal });
  const piping = failureOf(
    pipeline(Readable.from([noise(4 * MiB)]), stream, new Writable({ write() {} })),
  );
  await until(() => mill.stats().slices.live > 4);
  controller.abort('the miller went home');
  expect(await piping).toMatchObject({ code: 'ERR_ABORTED', cause: 'the miller went home' });
  await until(() => stream.closed);
  expect(mill.stats().slices.live).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);

  const late = mill.stream(copy, undefined, { signal });
  expect(await codeOf(buffer(late))).toBe('ERR_ABORTED');
  const unused = new AbortController();
  await buffer(Readable.from(['x']).pipe(mill.stream(copy, undefined, { signal: unused.signal })));
  await until(() => getEventListeners(unused.signal, 'abort').length === 0);
});

test('an aborted pipeline gives the slices back', async () => {
  const controller = new AbortController();
  const stream = mill.stream(copy);
  const silent = new Writable({ write() {} });
  const piping = pipeline(Readable.from([noise(4 * MiB)]), stream, silent, {
    signal: controller.signal,
  });
  await until(() => mill.stats().slices.live > 4);
  controller.abort();
  await expect(piping).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }) as Error);
  await until(() => mill.stats().slices.live === 0);
});

test('many streams share a mill that has too little memory for all', async () => {
  await using small = await createMill({ threads: 2, memory: 4 * MiB });
  const input = noise(2 * MiB);
  const outputs = await Promise.all(
    Array.from({ length: 9 }, () => buffer(Readable.from([input]).pipe(small.stream(gzip)))),
  );
  for (const output of outputs) expect(gunzipSync(output).equals(input)).toBe(true);
  expect(small.stats().slices.live).toBe(0);
});

test('an op that does not say how to cut its input makes no stream', () => {
  expect(() => mill.stream(sum as unknown as typeof copy)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }) as Error,
  );
});

test('on a mill that is closed it fails as soon as there is something to do', async () => {
  const closed = await createMill({ threads: 1 });
  await closed.close();
  expect(await codeOf(pipeline(Readable.from(['x']), closed.stream(copy), new PassThrough()))).toBe(
    'ERR_MILL_CLOSED',
  );
});

test('a stream that is written and never read does not keep the process alive', async () => {
  expect(await runScript('unread-stream.mjs')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});
