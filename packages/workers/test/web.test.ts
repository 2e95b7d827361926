import { getEventListeners } from 'node:events';
import { gunzipSync } from 'node:zlib';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { MiB, noise, text } from './content.ts';
import { failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy, failAt, invertChunks, sum } from './ops.mjs';
import { standstill, until } from './until.ts';

const CHUNK = 64 * 1024;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => {
  expect(mill.stats()).toMatchObject({ slices: { live: 0 }, tasks: { inFlight: 0 } });
});

/** A web stream of `input` in pieces of `size` bytes, and what became of it. */
class Pieces {
  taken = 0;
  cancelled: { reason: unknown } | undefined;
  readonly stream: ReadableStream<Uint8Array>;

  constructor(input: Uint8Array, size: number) {
    this.stream = new ReadableStream({
      pull: (controller) => {
        const piece = input.slice(this.taken, this.taken + size);
        if (piece.length === 0) return controller.close();
        this.taken += piece.length;
        controller.enqueue(piece);
      },
      cancel: (reason) => void (this.cancelled = { reason }),
    });
  }
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What `promise` rejects with, whatever that is. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('The promise was fulfilled');
    },
    (error: unknown) => error,
  );
}

test('stands in pipeThrough, and a Response can be made of what comes out', async () => {
  const input = text(3 * MiB);
  const { stream } = new Pieces(input, 50_000);
  const body = stream.pipeThrough(mill.web(gzip, { level: 1 }));
  const output = await new Response(body).arrayBuffer();
  expect(gunzipSync(Buffer.from(output)).equals(input)).toBe(true);
});

test('stands in pipeThrough with other transformations, and in pipeTo', async () => {
  const input = noise(2 * MiB);
  const pieces: Uint8Array[] = [];
  await new Pieces(input, 77_777).stream
    .pipeThrough(mill.web(gzip))
    .pipeThrough(new DecompressionStream('gzip'))
    .pipeThrough(mill.web(copy))
    .pipeTo(new WritableStream({ write: (piece: Uint8Array) => void pieces.push(piece) }));
  expect(Buffer.concat(pieces).equals(input)).toBe(true);
});

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 17 * CHUNK])(
  'gives back an object of %d bytes, whatever the pieces',
  async (bytes) => {
    const input = noise(bytes);
    for (const size of [1000, CHUNK, 3 * CHUNK + 7]) {
      const output = new Pieces(input, size).stream.pipeThrough(mill.web(copy));
      expect((await collect(output)).equals(input)).toBe(true);
    }
  },
);

test('runs an op that works in place', async () => {
  const input = noise(5 * CHUNK + 3);
  const output = await collect(new Pieces(input, 9999).stream.pipeThrough(mill.web(invertChunks)));
  expect(output.equals(input.map((byte) => byte ^ 255))).toBe(true);
});

test('takes strings, buffers and views; hands out memory of its own', async () => {
  const { readable, writable } = mill.web(copy);
  const output = collect(readable.pipeThrough(new TransformStream({ transform: checkPrivate })));
  const writer = writable.getWriter();
  await writer.write('ö');
  await writer.write(new Uint16Array([0x0201]));
  await writer.write(new Uint8Array([3, 4]).buffer);
  await writer.write(new Uint8Array(new SharedArrayBuffer(1)));
  await writer.close();
  expect((await output).equals(Buffer.from([0xc3, 0xb6, 1, 2, 3, 4, 0]))).toBe(true);
});

function checkPrivate(
  piece: Uint8Array,
  controller: TransformStreamDefaultController<Uint8Array>,
): void {
  expect(piece.buffer).toBeInstanceOf(ArrayBuffer);
  controller.enqueue(piece);
}

test('takes in no more than a window ahead of its reader', async () => {
  const input = noise(12 * MiB);
  const pieces = new Pieces(input, 10_000);
  const reader = pieces.stream.pipeThrough(mill.web(copy)).getReader();
  let read = 0;
  for (;;) {
    if (read < MiB) await standstill(() => pieces.taken);
    // 8 chunks in the window, 8 on their way out, one being filled, one in each queue.
    expect(pieces.taken - read).toBeLessThanOrEqual(18 * CHUNK + 3 * 10_000);
    const { done, value } = await reader.read();
    if (done) break;
    expect(Buffer.compare(value, input.subarray(read, read + value.length))).toBe(0);
    read += value.length;
  }
  expect(read).toBe(input.length);
});

test('many reads may be asked for at once', async () => {
  const input = noise(9 * CHUNK);
  const { readable, writable } = mill.web(copy);
  const reader = readable.getReader();
  const reads = Array.from({ length: 10 }, () => reader.read());
  const writer = writable.getWriter();
  await writer.write(input);
  await writer.close();
  const pieces = (await Promise.all(reads)).map(({ value }) => value ?? new Uint8Array(0));
  expect(Buffer.concat(pieces).equals(input)).toBe(true);
});

test('a pair that is never used holds no slice', () => {
  mill.web(gzip);
  expect(mill.stats().slices.live).toBe(0);
});

describe('when the reader cancels', () => {
  test.each([
    ['before anything was written', () => Promise.resolve()],
    ['while a write waits for it', () => until(() => mill.stats().slices.live > 4)],
  ])(
    '%s, the source is cancelled with its reason and all slices are back',
    async (_when, moment) => {
      const pieces = new Pieces(noise(4 * MiB), CHUNK);
      const { readable, writable } = mill.web(copy);
      const piping = rejection(pieces.stream.pipeTo(writable));
      await moment();
      const why = new Error('enough flour');
      await readable.cancel(why);
      expect(mill.stats().slices.live).toBe(0);
      expect(await piping).toBe(why);
      expect(pieces.cancelled).toEqual({ reason: why });
    },
  );

  test('it resolves when the tasks under way have ended', async () => {
    const gate = new Gate();
    const { readable, writable } = mill.web(copy, { gate: gate.words });
    const piping = rejection(new Pieces(noise(MiB), CHUNK).stream.pipeTo(writable));
    await gate.reached(1);
    let cancelled = false;
    const cancelling = readable.cancel('late').then(() => (cancelled = true));
    await new Promise(setImmediate);
    expect(cancelled).toBe(false);
    gate.open();
    await cancelling;
    expect(mill.stats().slices.live).toBe(0);
    expect(await piping).toBe('late');
  });

  test('a writer that has nothing to write is told', async () => {
    const { readable, writable } = mill.web(copy);
    const writer = writable.getWriter();
    await writer.write('taken');
    const closed = rejection(writer.closed);
    await readable.cancel('enough');
    expect(await closed).toBe('enough');
  });

  test('a write that waits rejects with the reason', async () => {
    const { readable, writable } = mill.web(copy);
    const writer = writable.getWriter();
    const closed = rejection(writer.closed);
    const writing = rejection(writer.write(noise(4 * MiB)));
    await until(() => mill.stats().slices.live > 4);
    await readable.cancel('enough');
    expect(await writing).toBe('enough');
    expect(await closed).toBe('enough');
  });
});

describe('when the writer aborts', () => {
  test('before it has written, the reader is told', async () => {
    const { readable, writable } = mill.web(copy);
    const reading = rejection(readable.getReader().read());
    await writable.abort('changed my mind');
    expect(await reading).toBe('changed my mind');
  });

  test('while its write waits for a reader, all settles and all slices are back', async () => {
    const { readable, writable } = mill.web(copy);
    const writer = writable.getWriter();
    const writing = rejection(writer.write(noise(4 * MiB)));
    await until(() => mill.stats().slices.live > 4);
    const why = new Error('the dam broke');
    await writer.abort(why);
    expect(mill.stats().slices.live).toBe(0);
    expect(await writing).toBe(why);
    expect(await rejection(readable.getReader().closed)).toBe(why);
  });

  test('by a source that breaks, the reader is told', async () => {
    const why = new Error('the sluice broke');
    let pieces = 3;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) =>
        pieces-- > 0 ? controller.enqueue(noise(CHUNK)) : controller.error(why),
    });
    expect(await rejection(collect(source.pipeThrough(mill.web(copy))))).toBe(why);
    await until(() => mill.stats().slices.live === 0);
  });
});

test('an error of the op errors both sides', async () => {
  const input = Buffer.concat(Array.from({ length: 30 }, (_, i) => Buffer.alloc(CHUNK, i)));
  const { readable, writable } = mill.web(failAt, { byte: 12 });
  const pieces = new Pieces(input, 77_777);
  const piping = failureOf(pieces.stream.pipeTo(writable));
  const error = await failureOf(collect(readable));
  expect(error).toMatchObject({ code: 'ERR_OP_FAILED', cause: { message: 'met 12' } });
  expect(await piping).toBe(error);
  expect(pieces.cancelled).toEqual({ reason: error });
});

test('what is not bytes errors both sides', async () => {
  const { readable, writable } = mill.web(copy);
  const reading = failureOf(collect(readable));
  const error = await failureOf(writable.getWriter().write(7));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(await reading).toBe(error);
  await until(() => mill.stats().slices.live === 0);
});

describe('a signal', () => {
  test('that aborts errors both sides', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const { readable, writable } = mill.web(copy, undefined, { signal });
    const piping = failureOf(new Pieces(noise(4 * MiB), CHUNK).stream.pipeTo(writable));
    await until(() => mill.stats().slices.live > 4);
    controller.abort('the miller went home');
    const error = await failureOf(collect(readable));
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: 'the miller went home' });
    expect(await piping).toBe(error);
    await until(() => mill.stats().slices.live === 0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('that was aborted before errors both sides at once', async () => {
    const { readable, writable } = mill.web(copy, undefined, { signal: AbortSignal.abort('no') });
    expect((await failureOf(collect(readable))).code).toBe('ERR_ABORTED');
    expect((await failureOf(writable.getWriter().write('x'))).code).toBe('ERR_ABORTED');
  });

  test('that is never used is not listened to any more when the flow is over', async () => {
    const { signal } = new AbortController();
    await collect(
      new Pieces(noise(9), 5).stream.pipeThrough(mill.web(copy, undefined, { signal })),
    );
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

test('an op that does not say how to cut its input makes no pair', () => {
  expect(() => mill.web(sum as unknown as typeof copy)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }) as Error,
  );
});
