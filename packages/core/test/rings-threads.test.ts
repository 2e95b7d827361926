/** Rings between real threads. */
import { BroadcastRing, ByteRing, MessageRing, readableFrom, type ThreadId } from '@millrace/core';
import { describe, expect, test } from 'vitest';
import { byteAt } from './rings-pattern.ts';
import { sharedWords, start } from './rings-threads.ts';

const MAIN = 127 as ThreadId;

interface Read {
  sum: number;
  count: number;
  wrong: number;
  aborted: boolean;
}

interface Popped {
  count: number;
  broken: number;
  disorder: number;
}

interface Heard {
  read: number;
  missed: number;
  torn: number;
  misplaced: number;
}

describe('Two threads', () => {
  const BYTES = 4_000_000;

  for (const from of [0, 2 ** 31 - 100_000, 2 ** 32 - 100_000]) {
    for (const [capacity, largest] of [
      [64, 100],
      [65_536, 20_000],
    ] as const) {
      test(`stream millions of bytes through ${capacity}, from position ${from} on`, async () => {
        const total = capacity === 64 ? BYTES / 10 : BYTES;
        const ring = ByteRing.create(capacity);
        ring.reset(from);
        const shared = { words: ring.words, bytes: ring.bytes, largest };
        const reading = start<Read>('readBytes', { ...shared, seed: 3 });
        const writing = start<number>('writeBytes', {
          ...shared,
          seed: 5,
          until: (from + total) % 2 ** 31,
        });
        const [read, written] = await Promise.all([reading.result, writing.result]);
        expect(read).toEqual({ sum: written, count: total, wrong: 0, aborted: false });
        expect(ring.stats()).toMatchObject({ used: 0, tail: (from + total) % 2 ** 31 });
      });
    }
  }

  test('stream bytes of which one reads them as a web stream, without blocking', async () => {
    const ring = ByteRing.create(4096);
    const writing = start<number>('writeBytes', {
      words: ring.words,
      bytes: ring.bytes,
      largest: 10_000,
      seed: 7,
      until: BYTES,
    });
    let position = 0;
    let wrong = 0;
    for await (const chunk of readableFrom(ring.reader())) {
      for (const byte of chunk) if (byte !== byteAt(position++)) wrong++;
    }
    await writing.result;
    expect([position, wrong]).toEqual([BYTES, 0]);
  });
});

describe('Two producers and two consumers', () => {
  const shape = { cells: 64, messageWords: 4 };
  const numbers = 150_000;

  for (const from of [0, 2 ** 31 - 1000, 2 ** 32 - 1000]) {
    for (const [push, pop] of [
      [1, 1],
      [16, 16],
      [40, 7],
    ] as const) {
      test(`pass each message once and in order by ${push} and ${pop}, from position ${from} on`, async () => {
        const words = sharedWords(MessageRing.words(shape));
        const ring = new MessageRing(words, 0, shape, MAIN);
        ring.reset(from);
        const total = push === 1 ? numbers / 5 : numbers;
        const seen = sharedWords(2 * numbers);
        const consumers = [1, 2].map((thread) =>
          start<Popped>('pop', { words, shape, thread, batch: pop, seen, numbers }),
        );
        const producers = [0, 1].map((producer) =>
          start<number>('push', {
            words,
            shape,
            thread: 3 + producer,
            producer,
            total,
            batch: push,
          }),
        );
        await Promise.all(producers.map(({ result }) => result));
        for (let i = 0; i < 2; i++) {
          while (!ring.push(Int32Array.of(-1))) await ring.waitForRoom();
        }
        const tallies = await Promise.all(consumers.map(({ result }) => result));
        for (const { broken, disorder } of tallies) expect([broken, disorder]).toEqual([0, 0]);
        expect(tallies.reduce((sum, { count }) => sum + count, 0)).toBe(2 * total);
        for (const producer of [0, 1]) {
          const marks = seen.subarray(producer * numbers, producer * numbers + total);
          expect(marks.findIndex((times) => times !== 1)).toBe(-1);
        }
        expect(ring.stats()).toMatchObject({ free: 64, voided: 0, orphaned: 0 });
      });
    }
  }
});

describe('Readers of a broadcast', () => {
  for (const from of [0, 2 ** 30 - 5000, 2 ** 32 - 5000]) {
    test(`that are lapped know how many they missed and see nothing torn, from position ${from} on`, async () => {
      const shape = { cells: 8, messageWords: 64 };
      const words = sharedWords(BroadcastRing.words(shape));
      const ring = new BroadcastRing(words, 0, shape);
      ring.reset(from);
      const until = from + 100_000;
      const ready = sharedWords(1);
      const orders = { words, shape, from, until, ready };
      const slow = start<Heard>('listen', { ...orders, lag: 50 });
      const fast = start<Heard>('listen', { ...orders, lag: 0 });
      for (let count = 0; count < 2; count = Atomics.load(ready, 0)) {
        const wait = Atomics.waitAsync(ready, 0, count);
        if (wait.async) await wait.value;
      }
      const writing = start('broadcast', { words, shape, until, seed: 9, largest: 4 });
      const heard = [await slow.result, await fast.result] as const;
      await writing.result;
      for (const { read, missed, torn, misplaced } of heard) {
        expect([torn, misplaced, read + missed]).toEqual([0, 0, 100_000]);
      }
      // Whoever waits for 50 more after each message must miss most of what 8 cells hold.
      expect(heard[0].missed).toBeGreaterThan(50_000);
      expect(ring.stats().written).toBe(100_000);
    });
  }
});
