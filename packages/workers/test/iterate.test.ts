import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { createMill, type FlowSource } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy, failAt, invertChunks, sum } from './ops.mjs';
import { fileOf, openedTimes } from './temporary.ts';
import { standstill, until } from './until.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

/** Gives all of the input in pieces of one size, and says how far it came and whether it was closed. */
class Source {
  taken = 0;
  closed = false;
  readonly #input: Uint8Array;
  readonly #size: number;

  constructor(input: Uint8Array, size = 10_000) {
    this.#input = input;
    this.#size = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      while (this.taken < this.#input.length) {
        await Promise.resolve();
        const piece = this.#input.subarray(this.taken, this.taken + this.#size);
        this.taken += piece.length;
        yield piece;
      }
    } finally {
      this.closed = true;
    }
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const kept: Uint8Array[] = [];
  for await (const piece of pieces) kept.push(piece);
  return Buffer.concat(kept);
}

const input = noise(3 * MiB + 5);

describe('takes bytes from', () => {
  test.each<[string, () => FlowSource]>([
    ['an async generator', () => new Source(input)],
    ['a list', () => [input.subarray(0, 99), input.subarray(99)]],
    ['bytes', () => input],
    ['a Node stream', () => Readable.from(new Source(input))],
    ['a web stream', () => Readable.toWeb(Readable.from(new Source(input)))],
    ['a file', () => fileOf(input)],
  ])('%s, and gives what the op makes of them', async (_name, source) => {
    expect((await collect(mill.iterate(copy, source()))).equals(input)).toBe(true);
    const zipped = await collect(mill.iterate(gzip, source(), { level: 1 }));
    expect(gunzipSync(zipped).equals(input)).toBe(true);
  });

  test('another one of its kind', async () => {
    const twice = mill.iterate(invertChunks, mill.iterate(invertChunks, new Source(input)));
    expect((await collect(twice)).equals(input)).toBe(true);
  });

  test('nothing', async () => {
    expect(await collect(mill.iterate(copy, []))).toHaveLength(0);
    expect(gunzipSync(await collect(mill.iterate(gzip, [])))).toHaveLength(0);
  });
});

describe('pieces', () => {
  test('are private copies that stay as they are', async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of mill.iterate(copy, [input])) pieces.push(piece);
    await mill.run(gzip, noise(4 * MiB));
    expect(pieces.every(({ buffer }) => buffer instanceof ArrayBuffer)).toBe(true);
    expect(Buffer.concat(pieces).equals(input)).toBe(true);
  });

  test('are views onto the slices themselves when that is asked for', async () => {
    const kept: Buffer[] = [];
    for await (const piece of mill.iterate(copy, [input], undefined, { views: true })) {
      expect(piece.buffer).toBeInstanceOf(SharedArrayBuffer);
      kept.push(Buffer.from(piece));
    }
    expect(Buffer.concat(kept).equals(input)).toBe(true);
  });

  test('that are views stay as they are until the next pull, whatever happens to the flow', async () => {
    const controller = new AbortController();
    const options = { views: true, signal: controller.signal };
    const pieces = mill.iterate(copy, [input], undefined, options);
    const { value: first } = await pieces.next();
    controller.abort('the miller went home');
    // What others lease and write meanwhile must not be this.
    await mill.run(copy, Buffer.alloc(8 * MiB));
    expect(Buffer.compare(first!, input.subarray(0, CHUNK))).toBe(0);
    expect(mill.stats().slices.live).toBeGreaterThan(0);
    expect(await failureOf(pieces.next())).toMatchObject({ code: 'ERR_ABORTED' });
    expect(mill.stats().slices.live).toBe(0);
  });

  test('may be pulled many at a time', async () => {
    const pieces = mill.iterate(copy, [input]);
    const pulls = await Promise.all(Array.from({ length: 60 }, () => pieces.next()));
    expect(Buffer.concat(pulls.flatMap(({ value }) => value ?? [])).equals(input)).toBe(true);
    expect(pulls.at(-1)).toEqual({ done: true, value: undefined });
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
  });
});

test.each([false, true])(
  'a source is read no further than a window ahead; views: %s',
  async (views) => {
    const source = new Source(noise(12 * MiB));
    let read = 0;
    let most = 0;
    for await (const piece of mill.iterate(copy, source, undefined, { views })) {
      if (read < MiB) await standstill(() => source.taken);
      // 8 chunks in the window, 8 on their way out, one being filled, and one piece of the source.
      expect(source.taken - read).toBeLessThanOrEqual(17 * CHUNK + 10_000);
      most = Math.max(most, mill.stats().slices.live);
      read += piece.length;
    }
    expect(read).toBe(12 * MiB);
    expect(most).toBeLessThanOrEqual(2 * 17);
  },
);

test('nothing is read before the first pull', async () => {
  const source = new Source(input);
  const pieces = mill.iterate(copy, source);
  await new Promise(setImmediate);
  expect(source.taken).toBe(0);
  expect(mill.stats().slices.live).toBe(0);
  await collect(pieces);
});

describe('a consumer that leaves', () => {
  test.each([false, true])(
    'by break closes the source, and all slices are back; views: %s',
    async (views) => {
      const source = new Source(noise(8 * MiB));
      for await (const piece of mill.iterate(copy, source, undefined, { views })) {
        expect(piece.length).toBe(CHUNK);
        break;
      }
      expect(mill.stats().slices.live).toBe(0);
      expect(source.closed).toBe(true);
      expect(source.taken).toBeLessThan(3 * MiB);
    },
  );

  test('by an error of its own closes the source, and gets its own error', async () => {
    const source = new Source(input);
    const consuming = (async () => {
      for await (const piece of mill.iterate(copy, source)) throw new RangeError(`${piece.length}`);
    })();
    await expect(consuming).rejects.toThrow(new RangeError(String(CHUNK)));
    expect(source.closed).toBe(true);
  });

  test('before it has pulled closes the source', async () => {
    const stream = Readable.from([input]);
    let cancelled = false;
    const web = new ReadableStream({ cancel: () => void (cancelled = true) });
    for (const from of [stream, web, fileOf(input), new Source(input)]) {
      const pieces = mill.iterate(copy, from);
      expect(await pieces.return!()).toEqual({ done: true, value: undefined });
      expect(await pieces.next()).toEqual({ done: true, value: undefined });
    }
    expect(stream.destroyed && cancelled).toBe(true);
  });

  test('resolves when the tasks under way have ended', async () => {
    const gate = new Gate();
    const source = new Source(input);
    const pieces = mill.iterate(copy, source, { gate: gate.words });
    const pull = pieces.next();
    await gate.reached(1);
    let left = false;
    const leaving = pieces.return!().then(() => (left = true));
    await new Promise(setImmediate);
    expect(left).toBe(false);
    gate.open();
    await leaving;
    expect(await pull).toEqual({ done: true, value: undefined });
    expect(mill.stats().slices.live).toBe(0);
    expect(source.closed).toBe(true);
  });

  test('does not wait for a source that never gives anything', async () => {
    const silent = (async function* (): AsyncGenerator<Uint8Array> {
      yield input.subarray(0, 1);
      await new Promise(() => {});
    })();
    const pieces = mill.iterate(copy, silent);
    const pull = pieces.next();
    await until(() => mill.stats().slices.live > 0);
    await pieces.return!();
    expect(mill.stats().slices.live).toBe(0);
    expect(await pull).toEqual({ done: true, value: undefined });
  });

  test('closes the file', async () => {
    const path = fileOf(input);
    for await (const piece of mill.iterate(copy, path)) {
      expect(piece.length).toBe(CHUNK);
      expect(openedTimes(path)).toBe(1);
      break;
    }
    expect(openedTimes(path)).toBe(0);
  });
});

describe('an error', () => {
  test('of the source reaches the consumer, once', async () => {
    const why = new Error('the sluice broke');
    const pieces = mill.iterate(copy, breaking(why));
    const error = await failureOf(collect(pieces));
    expect(error).toMatchObject({ code: 'ERR_READ', cause: why });
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
  });

  test('of a source that cannot be opened reaches the consumer', async () => {
    const pieces = mill.iterate(copy, `${fileOf(input)}.absent`);
    expect(await failureOf(pieces.next())).toMatchObject({
      code: 'ERR_READ',
      cause: { code: 'ENOENT' },
    });
    const number = 7 as unknown as Uint8Array[];
    expect((await failureOf(mill.iterate(copy, [number]).next())).code).toBe('ERR_INVALID_ARG');
  });

  test('that comes while nobody pulls waits for the next pull', async () => {
    let breakNow!: () => void;
    const broken = new Promise<void>((resolve) => (breakNow = resolve));
    const source = breaking(new Error('the sluice broke'), input.subarray(0, 2 * CHUNK), broken);
    const pieces = mill.iterate(copy, source);
    expect((await pieces.next()).done).toBe(false);
    breakNow();
    await until(() => mill.stats().slices.live === 0);
    expect((await failureOf(pieces.next())).code).toBe('ERR_READ');
  });

  test('of the op reaches the consumer and closes the source', async () => {
    const chunks = Buffer.concat(Array.from({ length: 30 }, (_, i) => Buffer.alloc(CHUNK, i)));
    const source = new Source(chunks);
    const error = await failureOf(collect(mill.iterate(failAt, source, { byte: 12 })));
    expect(error).toMatchObject({ code: 'ERR_OP_FAILED', cause: { message: 'met 12' } });
    expect(source.closed).toBe(true);
  });
});

describe('a signal', () => {
  test('that aborts ends a pull that waits, and closes the source', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const gate = new Gate();
    const source = new Source(input);
    const pieces = mill.iterate(copy, source, { gate: gate.words }, { signal });
    const pull = failureOf(pieces.next());
    await gate.reached(1);
    controller.abort('the miller went home');
    gate.open();
    expect(await pull).toMatchObject({ code: 'ERR_ABORTED', cause: 'the miller went home' });
    expect(source.closed).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('that was aborted before ends the first pull', async () => {
    const signal = AbortSignal.abort('no');
    const source = new Source(input);
    const pieces = mill.iterate(copy, source, undefined, { signal });
    expect((await failureOf(pieces.next())).code).toBe('ERR_ABORTED');
    expect(source.taken).toBe(0);
  });

  test('that is never used is not listened to any more when the flow is over', async () => {
    const { signal } = new AbortController();
    await collect(mill.iterate(copy, [input], undefined, { signal }));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

test('the source runs in the asynchronous context of whoever made the iterable', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen = new Set<string | undefined>();
  const source = {
    *[Symbol.iterator]() {
      for (let at = 0; at < input.length; at += 10_000) {
        seen.add(storage.getStore());
        yield input.subarray(at, at + 10_000);
      }
    },
  };
  const pieces = storage.run('maker', () => mill.iterate(copy, source));
  await storage.run('consumer', async () => {
    for await (const piece of pieces) {
      expect(piece.length).toBeGreaterThan(0);
      expect(storage.getStore()).toBe('consumer');
    }
  });
  expect([...seen]).toEqual(['maker']);
});

test('an op that does not say how to cut its input makes no iterable', () => {
  expect(() => mill.iterate(sum as unknown as typeof copy, [input])).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }) as Error,
  );
});

/** Gives `first`, and breaks when `moment` has come. */
async function* breaking(
  why: Error,
  first: Uint8Array = input,
  moment: Promise<void> = Promise.resolve(),
): AsyncGenerator<Uint8Array> {
  yield first;
  await moment;
  throw why;
}
