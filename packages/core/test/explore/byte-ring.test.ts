/** The byte ring in every order of its steps, with deaths at each of them. */
import { ByteRing } from '@millrace/core';
import { bytesOf, type Case, type ThreadBody, type ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, parking, within, expectNoFault } from './exploring.ts';

const CAPACITY = 8;
/** What is written and read at a time: a word, as races are those of words. */
const UNIT = 4;
const BYTES = AT + ByteRing.words();
const WORDS = BYTES + CAPACITY / UNIT;

const ringOf = ({ words }: ThreadContext): ByteRing =>
  new ByteRing(words, AT, bytesOf(words.subarray(BYTES, WORDS)));

/** Writes what is missing up to so many units, and ends. The bytes tell their position. */
function writeTo(ring: ByteRing, units: number, batch = 1): void {
  const writer = ring.writer(parking);
  const end = units * UNIT;
  const unit = new Uint8Array(UNIT);
  while (writer.position < end && !writer.cancelled) {
    for (let i = 0; i < batch && writer.position < end; i++) {
      unit.forEach((_, n) => (unit[n] = writer.position + n + 1));
      if (writer.put(unit) === 0) break;
    }
    // The last batch is left to the end, which publishes it.
    if (writer.position === end && batch > 1) break;
    writer.publish();
    if (writer.position < end) writer.waitSync(UNIT);
  }
  writer.end();
}

/** Reads until the writer has ended, or so many units; returns how many bytes those were. */
function readFrom(ring: ByteRing, units = Infinity): number {
  const reader = ring.reader(parking);
  const target = new Uint8Array(CAPACITY);
  while (!reader.ended && reader.position < units * UNIT) {
    const count = reader.take(target);
    for (let i = 0; i < count; i++) {
      const position = reader.position - count + i;
      ensure(target[i] === position + 1, `Byte ${position} is ${target[i]}`);
    }
    reader.free();
    reader.waitSync(UNIT);
  }
  if (!reader.ended) reader.cancel();
  return reader.position;
}

const writes =
  (units: number, batch = 1): ThreadBody =>
  (context) =>
    writeTo(ringOf(context), units, batch);

const reads =
  (units?: number): ThreadBody =>
  (context) =>
    readFrom(ringOf(context), units);

/** Writes in place. */
const fills =
  (units: number): ThreadBody =>
  (context) => {
    const writer = ringOf(context).writer(parking);
    while (writer.position < units * UNIT) {
      const space = writer.space();
      const count = Math.min(space.length, UNIT);
      for (let i = 0; i < count; i++) space[i] = writer.position + i + 1;
      writer.commit(count);
      writer.waitSync(UNIT);
    }
    writer.end();
  };

/** Reads in place. */
const drains: ThreadBody = (context) => {
  const reader = ringOf(context).reader(parking);
  while (!reader.ended) {
    const data = reader.data();
    for (let i = 0; i < data.length; i++) {
      ensure(data[i] === reader.position + i + 1, `Byte ${reader.position + i} is ${data[i]}`);
    }
    reader.consume(data.length);
    reader.waitSync(UNIT);
  }
  return reader.position;
};

const ring = (units: number): Omit<Case, 'name' | 'threads'> => ({
  words: WORDS,
  check({ results, killed }) {
    const read = results[1] as number | undefined;
    ensure(killed.length > 0 || read === units * UNIT, `${read} of ${units * UNIT} bytes are read`);
  },
});

describe('a byte ring', () => {
  test('hands on all bytes in order, and each side wakes the other', () => {
    expectNoFault({ ...ring(2), threads: [writes(2), reads()] });
    expectNoFault({ ...ring(4), threads: [writes(4), reads()], mode: within(3) });
  });

  test('wakes a side that waits for more than the other gives at a time', () => {
    const readsTwo: ThreadBody = (context) => {
      const reader = ringOf(context).reader(parking);
      reader.waitSync(2 * UNIT);
      return reader.take(new Uint8Array(CAPACITY));
    };
    expectNoFault({ ...ring(2), threads: [writes(2), readsTwo] });
    const writesTwo: ThreadBody = (context) => {
      const writer = ringOf(context).writer(parking);
      writer.write(new Uint8Array(CAPACITY));
      writer.waitSync(2 * UNIT);
      return writer.room;
    };
    const readsTwice: ThreadBody = (context) => {
      const reader = ringOf(context).reader(parking);
      const unit = new Uint8Array(UNIT);
      for (let left = 2; left > 0; left -= reader.read(unit) / UNIT) reader.waitSync(UNIT);
    };
    expectNoFault({
      ...ring(2),
      threads: [writesTwo, readsTwice],
      check({ results }) {
        const room = results[0] as number;
        ensure(room === CAPACITY, `There is room for ${room}`);
      },
    });
  });

  test('hands on batches, and what is written and read in place', () => {
    expectNoFault({ ...ring(4), threads: [writes(4, 2), reads()], mode: within(3) });
    expectNoFault({ ...ring(3), threads: [fills(3), drains], mode: within(3) });
  });

  test('fetches no room ahead that holds what is not read yet', () => {
    const [capacity, size, times] = [1024, 96, 17];
    const words = BYTES + capacity / UNIT;
    const largeRing = (context: ThreadContext): ByteRing =>
      new ByteRing(context.words, AT, bytesOf(context.words.subarray(BYTES, words)));
    const message = (time: number): Uint8Array => new Uint8Array(size).fill(time + 1);
    const sends: ThreadBody = (context) => {
      const writer = largeRing(context).writer(parking);
      for (let time = 0; time < times; time++) {
        writer.waitSync(size);
        writer.write(message(time));
      }
    };
    const receives: ThreadBody = (context) => {
      const reader = largeRing(context).reader(parking);
      const target = new Uint8Array(size);
      for (let time = 0; time < times; time++) {
        reader.waitSync(size);
        reader.read(target);
        ensure(target.join() === message(time).join(), `Message ${time} is ${target.join()}`);
      }
    };
    expectNoFault({ words, threads: [sends, receives], mode: within(1) });
  });

  test('wakes a writer whose reader wants no more', () => {
    expectNoFault({ ...ring(1), threads: [writes(5), reads(1)], check: () => {}, mode: within(3) });
  });

  test('tells the reader that the writer died, after all that it had published', () => {
    const bury = (context: ThreadContext): void =>
      ringOf(context).bury(context.thread === 0 ? 'writer' : 'reader');
    expectNoFault({
      ...ring(3),
      kills: 1,
      sweep: bury,
      threads: [writes(3), reads()],
      mode: within(2),
    });
    expectNoFault({
      ...ring(2),
      kills: 2,
      sweep: bury,
      threads: [writes(2), reads()],
      mode: within(1),
    });
  });

  test('loses nothing that was published, and no wake-up, when another goes on for the dead', () => {
    const goOn = (context: ThreadContext): void => {
      if (context.thread === 0) writeTo(ringOf(context), 3);
      else readFrom(ringOf(context));
    };
    expectNoFault({
      ...ring(3),
      kills: 1,
      sweep: goOn,
      threads: [writes(3), reads()],
      mode: within(2),
    });
  });
});
