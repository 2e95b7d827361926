import { readerOf, writerOf, type ByteReader } from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fillFrom } from '../rings-pattern.ts';
import { codeOf } from '../thrown.ts';

/** Whatever a reader gives, read in pieces of these sizes by turns, and how often it was waited for. */
async function readAll(
  reader: ByteReader,
  sizes: readonly number[] = [7],
): Promise<{ bytes: number[]; waits: number }> {
  const bytes: number[] = [];
  let waits = 0;
  for (let i = 0; ; i++) {
    const into = new Uint8Array(sizes[i % sizes.length]!);
    const answer = reader.read(into);
    if (typeof answer !== 'number') waits++;
    const count = await answer;
    if (count === 0) return { bytes, waits };
    bytes.push(...into.subarray(0, count));
  }
}

async function* later<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await Promise.resolve();
    yield value;
  }
}

/** Pieces of the pattern, of these lengths, and all their bytes. */
function piecesOf(lengths: readonly number[]): { pieces: Uint8Array[]; bytes: number[] } {
  let position = 0;
  const pieces = lengths.map((length) => {
    const piece = fillFrom(position, new Uint8Array(length));
    position += length;
    return piece;
  });
  return { pieces, bytes: [...fillFrom(0, new Uint8Array(position))] };
}

const lengths = fc.array(fc.nat(40), { maxLength: 12 });
const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });

describe('A reader', () => {
  test('of memory gives all of it, shared or not, without being waited for', async () => {
    const bytes = fillFrom(0, new Uint8Array(100));
    const shared = new Uint8Array(new SharedArrayBuffer(100));
    shared.set(bytes);
    for (const source of [bytes, bytes.buffer as ArrayBuffer, shared, shared.buffer]) {
      expect(await readAll(readerOf(source))).toEqual({ bytes: [...bytes], waits: 0 });
    }
  });

  test('of an iterable gives the bytes of its pieces at once, whatever their sizes', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizes, async (pieceLengths, readSizes) => {
        const { pieces, bytes } = piecesOf(pieceLengths);
        const read = await readAll(readerOf(pieces), readSizes);
        expect(read).toEqual({ bytes, waits: 0 });
      }),
    );
  });

  test('of an asynchronous iterable is waited for once a piece, and never in between', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizes, async (pieceLengths, readSizes) => {
        const { pieces, bytes } = piecesOf(pieceLengths);
        const read = await readAll(readerOf(later(pieces)), readSizes);
        expect(read.bytes).toEqual(bytes);
        expect(read.waits).toBeLessThanOrEqual(pieces.length + 1);
      }),
    );
  });

  test('of a web stream gives the bytes of its pieces, of a stream of bytes too', async () => {
    await fc.assert(
      fc.asyncProperty(lengths, sizes, fc.boolean(), async (pieceLengths, readSizes, ofBytes) => {
        const { pieces, bytes } = piecesOf(pieceLengths.map((length) => length + 1));
        const waiting = [...pieces];
        const pull = (controller: { enqueue(piece: Uint8Array): void; close(): void }): void => {
          const next = waiting.shift();
          if (next) controller.enqueue(next.slice());
          else controller.close();
        };
        const stream = ofBytes
          ? new ReadableStream({ type: 'bytes', pull })
          : new ReadableStream({ pull });
        expect((await readAll(readerOf(stream), readSizes)).bytes).toEqual(bytes);
        expect(stream.locked).toBe(false);
      }),
    );
  });

  test('takes strings, buffers and views of any kind as pieces', async () => {
    const pieces = [
      'é',
      new Uint16Array([0x0201]),
      new Uint8Array([3]).buffer,
      new DataView(new ArrayBuffer(1)),
    ];
    expect((await readAll(readerOf(pieces))).bytes).toEqual([0xc3, 0xa9, 1, 2, 3, 0]);
  });

  test('refuses what holds no bytes', async () => {
    for (const source of [7, 'path', {}, null]) {
      expect(codeOf(() => readerOf(source as never))).toBe('ERR_INVALID_ARG');
    }
    expect(codeOf(() => readerOf([7]).read(new Uint8Array(1)))).toBe('ERR_INVALID_ARG');
  });

  test('of pieces that hold no bytes fails, however they come, and lets its source go', async () => {
    let left = 0;
    function* pieces(): Generator {
      try {
        yield 7;
      } finally {
        left++;
      }
    }
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(7),
      cancel: () => void left++,
    });
    for (const source of [pieces(), later(pieces()), stream]) {
      const reader = readerOf(source);
      const reading = (async () => reader.read(new Uint8Array(1)))();
      await expect(reading).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' });
    }
    await expect.poll(() => left).toBe(3);
  });

  test('is itself', () => {
    const reader: ByteReader = { read: () => 0 };
    expect(readerOf(reader)).toBe(reader);
  });

  test('that is cancelled while it waits comes back, and lets its source go', async () => {
    let left = 0;
    const stuck: AsyncIterable<never> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          left++;
          return { done: true, value: undefined };
        },
      }),
    };
    const reasons: unknown[] = [];
    const stream = new ReadableStream({ cancel: (reason) => void reasons.push(reason) });
    for (const source of [stuck, stream]) {
      const reader = readerOf(source);
      const reading = reader.read(new Uint8Array(1));
      await reader.cancel?.('enough');
      expect(await reading).toBe(0);
    }
    expect({ left, reasons }).toEqual({ left: 1, reasons: ['enough'] });
  });

  test('that is cancelled between two pieces waits until its source has cleaned up', async () => {
    let cleaned = false;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield new Uint8Array(1);
        yield new Uint8Array(1);
      } finally {
        await Promise.resolve();
        cleaned = true;
      }
    };
    const reader = readerOf(source());
    await reader.read(new Uint8Array(1));
    await reader.cancel?.('enough');
    expect(cleaned).toBe(true);
  });
});

describe('A writer', () => {
  test('of memory fills it from its beginning, and refuses what does not fit', () => {
    const memory = new Uint8Array(5);
    const writer = writerOf(memory);
    expect(writer.write(new Uint8Array([1, 2]))).toBeUndefined();
    expect(writer.write(new Uint8Array([3, 4]))).toBeUndefined();
    expect([...memory]).toEqual([1, 2, 3, 4, 0]);
    expect(codeOf(() => writer.write(new Uint8Array([5, 6])))).toBe('ERR_WRITE');
    expect([...memory]).toEqual([1, 2, 3, 4, 0]);
  });

  test('of a web stream gives it copies, of shared memory too, and closes it', async () => {
    const taken: Uint8Array[] = [];
    let closed = false;
    const stream = new WritableStream<Uint8Array>({
      write: (piece) => void taken.push(piece),
      close: () => void (closed = true),
    });
    const writer = writerOf(stream);
    const memory = new Uint8Array(new SharedArrayBuffer(2));
    memory.set([1, 2]);
    await writer.write(memory);
    memory.set([3, 4]);
    const writing = writer.write(memory);
    expect(stream.locked).toBe(true);
    await writing;
    // Whoever gave the stream away may go on with it.
    expect(stream.locked).toBe(false);
    await writer.close?.();
    expect(taken.map((piece) => [...piece])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect({ closed, locked: stream.locked }).toEqual({ closed: true, locked: false });
  });

  test('of a web stream that is stuck comes back when it is aborted', async () => {
    const reasons: unknown[] = [];
    let goOn!: () => void;
    const stream = new WritableStream<Uint8Array>({
      write: () => new Promise<void>((resolve) => (goOn = resolve)),
      abort: (reason) => void reasons.push(reason),
    });
    const writer = writerOf(stream);
    const writing = writer.write(new Uint8Array(1));
    await Promise.resolve();
    await writer.abort?.('enough');
    await expect(writing).rejects.toMatchObject({ code: 'ERR_WRITE', cause: 'enough' });
    goOn();
    await expect.poll(() => reasons).toEqual(['enough']);
  });

  test('is itself, and nothing else', () => {
    const writer = { write: () => {} };
    expect(writerOf(writer)).toBe(writer);
    for (const target of [7, [], null]) {
      expect(codeOf(() => writerOf(target as never))).toBe('ERR_INVALID_ARG');
    }
  });
});
