import { copyInChunks, readerOf, writerOf, type ByteReader, type ByteWriter } from '@millrace/core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { fillFrom } from '../rings-pattern.ts';
import { useClock } from './clock.ts';
import {
  EndFailure,
  GatedWriter,
  PatternReader,
  PatternWriter,
  StuckReader,
  type EndShape,
  type Pace,
} from './ends.ts';
import { Lender } from './lender.ts';

const CHUNK = 4096;
let lender: Lender;

beforeEach(() => {
  lender = new Lender();
});

const paces = fc.array(fc.constantFrom<Pace>('now', 'soon', 'later'), {
  minLength: 1,
  maxLength: 5,
});
const pieces = fc.array(fc.integer({ min: 1, max: 2 * CHUNK }), { maxLength: 5 });
const failsAt = fc.option(fc.nat(8), { nil: undefined });
/** Around the boundaries of chunks, and anywhere. */
const total = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: -1, max: 1 }))
    .map(([n, off]) => Math.max(0, n * CHUNK + off)),
  fc.nat(6 * CHUNK),
);
const memory = fc.record({ most: fc.constantFrom(1, 2, 8), late: fc.boolean() });

function copy(
  dst: ByteWriter,
  src: ByteReader,
  options: { size?: number; exact?: boolean; signal?: AbortSignal } = {},
): number | Promise<number> {
  const { size, ...others } = options;
  return copyInChunks(dst, src, size, lender, { chunkSize: CHUNK, ...others });
}

describe('A chunked copy', () => {
  test('carries every byte, whatever the ends do, with two chunks at most', async () => {
    await fc.assert(
      fc.asyncProperty(total, pieces, paces, paces, memory, async (size, of, from, to, room) => {
        lender.reset(room);
        const reader = new PatternReader(size, { pieces: of, paces: from });
        const writer = new PatternWriter({ paces: to });
        expect(await copy(writer, reader)).toBe(size);
        expect(writer).toMatchObject({ taken: size, wrong: 0, endings: [], closed: 0 });
        expect(reader.endings).toEqual([]);
        expect(lender.takes).toBeLessThanOrEqual(Math.min(2, room.most));
        expect(lender.out).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test('ends the other end when one fails, and gives all chunks back', async () => {
    const shape = fc.record({ paces, failsAt });
    await fc.assert(
      fc.asyncProperty(total, pieces, shape, shape, memory, async (size, of, from, to, room) => {
        lender.reset(room);
        const reader = new PatternReader(size, { ...from, pieces: of });
        const writer = new PatternWriter(to);
        const outcome = await Promise.resolve(copy(writer, reader)).then(
          (bytes) => ({ bytes }),
          (error: unknown) => ({ error: error as { code: string; cause: unknown } }),
        );
        expect(writer.wrong).toBe(0);
        expect(lender.out).toBe(0);
        if ('bytes' in outcome) {
          expect(writer).toMatchObject({ taken: size, endings: [] });
          return;
        }
        expect(outcome.error.cause).toBeInstanceOf(EndFailure);
        expect(['ERR_READ', 'ERR_WRITE']).toContain(outcome.error.code);
        expect(writer.endings).toEqual([outcome.error]);
        expect(reader.endings).toEqual(outcome.error.code === 'ERR_READ' ? [] : [outcome.error]);
      }),
      { numRuns: 500 },
    );
  });

  test('between ends that answer at once is done at once', () => {
    // However long this thread is kept from it.
    useClock(0);
    const bytes = fillFrom(0, new Uint8Array(10 * CHUNK + 1));
    const target = new Uint8Array(bytes.length);
    lender.reset();
    expect(copy(writerOf(target), readerOf(bytes))).toBe(bytes.length);
    expect(target).toEqual(bytes);
    expect({ takes: lender.takes, out: lender.out }).toEqual({ takes: 1, out: 0 });
  });

  test('lets the event loop have its turns, though both ends answer at once', async () => {
    useClock(0.25);
    for (const pace of ['now', 'soon'] as const) {
      const reader = new PatternReader(1000 * CHUNK);
      const writer = new PatternWriter({ paces: [pace] });
      let turns = 0;
      const count = (): void => {
        turns++;
        if (writer.taken < 1000 * CHUNK) setImmediate(count);
      };
      setImmediate(count);
      expect(await copy(writer, reader)).toBe(1000 * CHUNK);
      expect(writer.wrong).toBe(0);
      // Two chunks that it copies without a look, and four looks in 1 ms.
      expect(turns).toBeGreaterThanOrEqual(1000 / 6 - 1);
    }
  });

  test('reads ahead while a write is under way, by one chunk and no more', async () => {
    lender.reset();
    const reader = new PatternReader(10 * CHUNK, { paces: ['later'] });
    const writer = new GatedWriter();
    const copying = copy(writer, reader);
    await writer.writing();
    await expect.poll(() => reader.given).toBe(2 * CHUNK);
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    expect({ given: reader.given, takes: lender.takes }).toEqual({ given: 2 * CHUNK, takes: 2 });
    for (let i = 0; i < 10; i++) await writer.let();
    expect(await copying).toBe(10 * CHUNK);
    expect(writer).toMatchObject({ taken: 10 * CHUNK, wrong: 0 });
    expect({ takes: lender.takes, slots: lender.slots.size }).toEqual({ takes: 2, slots: 2 });
  });

  describe('of a declared size', () => {
    test('copies what there is, whether that is more or less', async () => {
      for (const actual of [0, 1, CHUNK, 3 * CHUNK]) {
        const writer = new PatternWriter();
        expect(await copy(writer, new PatternReader(actual), { size: CHUNK })).toBe(actual);
        expect(writer.taken).toBe(actual);
      }
    });

    test('that must be exact fails on any other, and never writes more than that', async () => {
      await fc.assert(
        fc.asyncProperty(total, total, paces, paces, async (size, actual, from, to) => {
          lender.reset();
          const reader = new PatternReader(actual, { paces: from, pieces: [1000, 3000] });
          const writer = new PatternWriter({ paces: to });
          const copying = Promise.resolve(copy(writer, reader, { size, exact: true }));
          if (size === actual) {
            expect(await copying).toBe(size);
          } else {
            await expect(copying).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
            expect(writer.endings).toHaveLength(1);
          }
          expect(writer.taken).toBeLessThanOrEqual(size);
          expect({ wrong: writer.wrong, out: lender.out }).toEqual({ wrong: 0, out: 0 });
        }),
      );
    });

    test('refuses sizes that are none', () => {
      for (const options of [{ size: -1 }, { size: 0.5 }, { size: NaN }, { exact: true }]) {
        expect(() => copy(new PatternWriter(), new PatternReader(1), options)).toThrow(
          expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
        );
      }
    });
  });

  describe('that is aborted', () => {
    test('tells both ends and takes its chunks back, wherever it was', async () => {
      const at = fc.nat(9);
      await fc.assert(
        fc.asyncProperty(at, paces, paces, memory, async (calls, from, to, room) => {
          lender.reset(room);
          const abort = new AbortController();
          const reader = new PatternReader(10 * CHUNK, { paces: from });
          const writer = new PatternWriter({ paces: to });
          const read = reader.read.bind(reader);
          reader.read = (into) => {
            if (reader.calls === calls) abort.abort('enough');
            return read(into);
          };
          const copying = Promise.resolve(copy(writer, reader, { signal: abort.signal }));
          const outcome = await copying.catch((error: unknown) => error);
          expect(outcome).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
          expect(reader.endings).toEqual([outcome]);
          expect(writer.endings).toEqual([outcome]);
          expect({ wrong: writer.wrong, out: lender.out }).toEqual({ wrong: 0, out: 0 });
        }),
      );
    });

    test('beforehand reads nothing', async () => {
      const reader = new PatternReader(10);
      const writer = new PatternWriter();
      const copying = copy(writer, reader, { signal: AbortSignal.abort('never') });
      await expect(copying).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'never' });
      expect([reader.calls, writer.calls]).toEqual([0, 0]);
      expect([reader.endings.length, writer.endings.length]).toEqual([1, 1]);
    });

    test('does not wait for ends that cannot be told, but keeps their chunks until they are done', async () => {
      lender.reset();
      const reader = new PatternReader(10 * CHUNK);
      const gated = new GatedWriter();
      const writer: ByteWriter = { write: (bytes) => gated.write(bytes) };
      const abort = new AbortController();
      const copying = copy(writer, reader, { signal: abort.signal });
      await gated.writing();
      abort.abort();
      await expect(copying).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect(lender.out).toBe(1);
      await gated.let();
      expect(gated.wrong).toBe(0);
      await expect.poll(() => lender.out).toBe(0);
    });

    test('makes a reader that is stuck come back', async () => {
      lender.reset();
      const reader = new StuckReader();
      const abort = new AbortController();
      const copying = copy(new PatternWriter(), reader, { signal: abort.signal });
      abort.abort();
      await expect(copying).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      expect({ told: reader.endings.length, out: lender.out }).toEqual({ told: 1, out: 0 });
    });

    test('leaves no listener at its signal', async () => {
      const { signal } = new AbortController();
      const listeners = new Set<unknown>();
      const add = signal.addEventListener.bind(signal);
      signal.addEventListener = (type: string, listener: () => void) => {
        listeners.add(listener);
        add(type, listener);
      };
      const remove = signal.removeEventListener.bind(signal);
      signal.removeEventListener = (type: string, listener: () => void) => {
        listeners.delete(listener);
        remove(type, listener);
      };
      const paced: EndShape = { paces: ['later'] };
      await copy(new PatternWriter(paced), new PatternReader(CHUNK, paced), { signal });
      const failing = copy(new PatternWriter({ ...paced, failsAt: 0 }), new PatternReader(CHUNK), {
        signal,
      });
      await expect(failing).rejects.toMatchObject({ code: 'ERR_WRITE' });
      expect(listeners.size).toBe(0);
    });
  });

  test('fails when there is no chunk, and tells both ends', async () => {
    const reader = new PatternReader(1);
    const writer = new PatternWriter();
    const none = {
      take: (): never => {
        throw new RangeError('no memory');
      },
      tryTake: () => undefined,
    };
    await expect(copyInChunks(writer, reader, 1, none, { chunkSize: CHUNK })).rejects.toMatchObject(
      {
        message: expect.stringContaining('no memory'),
      },
    );
    expect(writer.endings).toHaveLength(1);
  });

  test('refuses a count that cannot be', async () => {
    for (const count of [-1, CHUNK + 1, 0.5, NaN]) {
      lender.reset();
      const copying = copy(new PatternWriter(), { read: () => count });
      await expect(copying).rejects.toMatchObject({ code: 'ERR_READ' });
      expect(lender.out).toBe(0);
    }
  });
});
