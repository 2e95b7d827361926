import {
  ByteRing,
  EventCount,
  MessageRing,
  readableFrom,
  type ThreadId,
  Waiter,
  writableTo,
} from '@millrace/core';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { fillFrom } from './rings-pattern.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

function streamsOf(capacity: number): {
  ring: ByteRing;
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
} {
  const ring = ByteRing.create(capacity);
  return { ring, readable: readableFrom(ring.reader()), writable: writableTo(ring.writer()) };
}

describe('A pair of web streams over a byte ring', () => {
  test('carries all bytes in order, whatever the chunks', async () => {
    const chunks = fc.array(fc.nat(100), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.constantFrom(8, 64, 256), async (lengths, capacity) => {
        const { readable, writable } = streamsOf(capacity);
        const writer = writable.getWriter();
        const writing = (async () => {
          let position = 0;
          for (const length of lengths) {
            await writer.write(fillFrom(position, new Uint8Array(length)));
            position += length;
          }
          await writer.close();
        })();
        const got: number[] = [];
        for await (const chunk of readable) got.push(...chunk);
        await writing;
        const total = lengths.reduce((sum, length) => sum + length, 0);
        expect(got).toEqual([...fillFrom(0, new Uint8Array(total))]);
      }),
      { numRuns: 1000 },
    );
  });

  test('fills the buffers of who brings their own', async () => {
    const { readable, writable } = streamsOf(64);
    const writing = writable.getWriter().write(new Uint8Array([1, 2, 3, 4, 5]));
    const reader = readable.getReader({ mode: 'byob' });
    const { value } = await reader.read(new Uint8Array(3));
    expect([...value!]).toEqual([1, 2, 3]);
    await writing;
    await reader.cancel();
  });

  test('fails the writer once the reader has cancelled, even while it waits for room', async () => {
    const { ring, readable, writable } = streamsOf(8);
    const writer = writable.getWriter();
    const writing = writer.write(new Uint8Array(20));
    await readable.cancel();
    await expect(writing).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
    expect(ring.stats().state).toBe('cancelled');
  });

  test('gives the reader what was published before the writer aborted, then fails', async () => {
    const { readable, writable } = streamsOf(64);
    const writer = writable.getWriter();
    await writer.write(new Uint8Array([7]));
    await writer.abort();
    const reader = readable.getReader();
    expect((await reader.read()).value).toEqual(new Uint8Array([7]));
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  });

  test('fails a reader that waits when its writer is buried', async () => {
    const { ring, readable } = streamsOf(64);
    const reading = readable.getReader().read();
    ring.bury('writer');
    await expect(reading).rejects.toMatchObject({ code: 'ERR_RING_CLOSED' });
  });

  test('lets a writer that waits for room be aborted', async () => {
    const { ring, writable } = streamsOf(8);
    const writer = writable.getWriter();
    const writing = writer.write(new Uint8Array(20));
    const reason = new Error('enough');
    const aborting = writer.abort(reason);
    await expect(writing).rejects.toBe(reason);
    await aborting;
    expect(ring.stats().state).toBe('aborted');
  });

  test('refuses chunks that are not bytes', async () => {
    const { writable } = streamsOf(8);
    const writing = writable.getWriter().write('text' as unknown as Uint8Array);
    await expect(writing).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' });
  });
});

describe('An event count', () => {
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(8));
  const BELL = 0;
  const NEWS = 1;

  test('loses no wake-up, whenever it is rung while somebody goes to sleep', () => {
    const real = Atomics.wait;
    const gaps = atEveryGap((interrupt) => {
      const shared = words();
      const bell = new EventCount(shared, BELL, { waiter: new Waiter({ mostSpinMs: 0 }) });
      let told = false;
      let slept = 0;
      const tell = (): void => {
        told = true;
        Atomics.store(shared, NEWS, 1);
        bell.ring();
      };
      // A sleep that finds the word unchanged when the news are out would never end.
      Atomics.wait = (array: Int32Array | BigInt64Array, index: number, value: number | bigint) => {
        if (array[index] !== value) return 'not-equal';
        expect(told).toBe(false);
        slept++;
        tell();
        return 'ok';
      };
      try {
        interrupt(() => {
          expect(bell.waitSync(() => Atomics.load(shared, NEWS) === 1)).toBe(true);
        }, tell);
      } finally {
        Atomics.wait = real;
      }
      expect(slept).toBeLessThanOrEqual(1);
    });
    expect(gaps).toBeGreaterThan(2);
  });

  test('wakes who sleeps although its waker died at any step, once that was swept', async () => {
    const sleepers: Promise<boolean>[] = [];
    dyingAtEveryGap((mortal) => {
      const ring = ByteRing.create(8);
      sleepers.push(ring.reader().wait(1, { timeoutMs: 10_000 }));
      mortal(() => ring.writer().write(new Uint8Array(1)));
      // Its heir, or whoever buries it, wakes the reader; in the second case there may be nothing to read.
      ring.writer().write(new Uint8Array(1));
    });
    dyingAtEveryGap((mortal) => {
      const ring = ByteRing.create(8);
      sleepers.push(ring.reader().wait(1, { timeoutMs: 10_000 }));
      mortal(() => ring.writer().end());
      ring.bury('writer');
    });
    dyingAtEveryGap((mortal) => {
      const shape = { cells: 4, messageWords: 1 };
      const shared = new Int32Array(new SharedArrayBuffer(MessageRing.words(shape) * 4));
      const ring = new MessageRing(shared, 0, shape, 1 as ThreadId);
      const heir = new MessageRing(shared, 0, shape, 2 as ThreadId);
      let pushed = 0;
      sleepers.push(heir.waitForMessages({ timeoutMs: 10_000 }));
      mortal(() => ring.push(Int32Array.of(1)));
      heir.reclaim(1 as ThreadId);
      pushed = heir.stats().published;
      if (pushed === 0) heir.push(Int32Array.of(2));
    });
    expect(new Set(await Promise.all(sleepers))).toEqual(new Set([true]));
    expect(sleepers.length).toBeGreaterThan(12);
  });

  test('wakes everybody who waits, and costs no notify when nobody does', async () => {
    const shared = words();
    const bell = new EventCount(shared, BELL);
    bell.ring();
    expect(shared[BELL]).toBe(0);
    const ready = (): boolean => Atomics.load(shared, NEWS) === 1;
    const sleepers = [bell.wait(ready), bell.wait(ready), new EventCount(shared, BELL).wait(ready)];
    // Rung without news: they look, and sleep again.
    bell.ring();
    Atomics.store(shared, NEWS, 1);
    await Promise.resolve();
    bell.ring();
    expect(await Promise.all(sleepers)).toEqual([true, true, true]);
  });

  test('tells that the time was up', async () => {
    const bell = new EventCount(words(), BELL);
    expect(bell.waitSync(() => false, { timeoutMs: 1 })).toBe(false);
    expect(await bell.wait(() => false, { timeoutMs: 1 })).toBe(false);
  });

  test('gives up when its signal is aborted, and hands on the reason', async () => {
    const bell = new EventCount(words(), BELL);
    const abort = new AbortController();
    const waiting = bell.wait(() => false, { signal: abort.signal });
    const cause = new Error('enough');
    abort.abort(cause);
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED', cause });
    await expect(bell.wait(() => true, { signal: abort.signal })).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      cause,
    });
  });

  test('refuses a timeout that is none, and to block a thread that may not', async () => {
    const bell = new EventCount(words(), BELL);
    expect(codeOf(() => bell.waitSync(() => true, { timeoutMs: -1 }))).toBe('ERR_INVALID_ARG');
    await expect(bell.wait(() => true, { timeoutMs: Number.NaN })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARG',
    });
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    try {
      expect(bell.waitSync(() => true)).toBe(true);
      expect(codeOf(() => bell.waitSync(() => false))).toBe('ERR_CANNOT_BLOCK');
    } finally {
      vi.restoreAllMocks();
    }
  });
});
