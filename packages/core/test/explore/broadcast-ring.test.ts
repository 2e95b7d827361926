/** The broadcast ring in every order of its steps, with deaths at each of them. */
import { BroadcastRing, type BroadcastWriter } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, parking, within, expectNoFault } from './exploring.ts';

const SHAPE = { cells: 2, messageWords: 2 };
const WORDS = AT + BroadcastRing.words(SHAPE);
const CELLS = WORDS - SHAPE.cells * (1 + SHAPE.messageWords);

const ringOf = ({ words }: ThreadContext): BroadcastRing => new BroadcastRing(words, AT, SHAPE);

/** A message tells its position twice, so that a torn one shows. */
function write(writer: BroadcastWriter, end: number): void {
  while (writer.position < end) {
    writer.write(Int32Array.of(writer.position | 0, ~writer.position));
  }
}

const tells =
  (end: number, ahead = 0): ThreadBody =>
  (context) =>
    write(ringOf(context).writer({ ahead }), end);

const tellsBatch =
  (from: number, end: number): ThreadBody =>
  (context) => {
    const messages: number[] = [];
    for (let position = from; position < end; position++) messages.push(position, ~position);
    ringOf(context)
      .writer()
      .writeBatch(Int32Array.from(messages), end - from);
  };

/** Some one by one, and the others at once. */
const tellsBoth =
  (single: number, end: number): ThreadBody =>
  (context) => {
    tells(single)(context);
    tellsBatch(single, end)(context);
  };

/** Listens from the position `from` until it has come to `end`. */
const listens =
  (from: number, end: number): ThreadBody =>
  (context) => {
    const reader = ringOf(context).reader('oldest', parking);
    const target = new Int32Array(SHAPE.messageWords);
    let read = 0;
    const overwritten = reader.position - from;
    while (reader.position < end) {
      if (reader.read(target) < 0) {
        reader.waitSync();
        continue;
      }
      read++;
      const [position, twice] = target;
      ensure(position === ((reader.position - 1) | 0), `${position} comes at ${reader.position}`);
      ensure(twice === ~position!, `Message ${position} is torn`);
    }
    const heard = overwritten + read + reader.missed;
    ensure(heard === end - from, `It knows of ${heard} messages`);
  };

const ring = (from: number): Omit<Case, 'name' | 'threads'> => ({
  words: WORDS,
  setup: ({ words }) => new BroadcastRing(words, AT, SHAPE).reset(from),
  // Cells are written over while they are read, and what was read then is thrown away.
  allowRaces: (index) => index >= CELLS,
});

describe('a broadcast ring', () => {
  test('tells a listener each message whole, or how many it missed, and wakes it', () => {
    expectNoFault({ ...ring(0), threads: [tells(2), listens(0, 2)] });
    expectNoFault({ ...ring(0), threads: [tells(3), listens(0, 3)], mode: within(3) });
    expectNoFault({ ...ring(0), threads: [tells(4), listens(0, 4)], mode: within(2) });
  });

  test('tells several listeners', () => {
    expectNoFault({
      ...ring(0),
      threads: [tells(3), listens(0, 3), listens(0, 3)],
      mode: within(1),
    });
  });

  test('tells batches', () => {
    expectNoFault({ ...ring(5), threads: [tellsBatch(5, 7), listens(5, 7)], mode: within(3) });
  });

  test('tells of what was announced several messages before', () => {
    expectNoFault({ ...ring(0), threads: [tells(3, 1), listens(0, 3)], mode: within(3) });
    expectNoFault({ ...ring(0), threads: [tells(5, 1), listens(0, 5)], mode: within(1) });
  });

  test('goes on where its positions take a second word', () => {
    const from = 2 ** 30 - 1;
    expectNoFault({
      ...ring(from),
      threads: [tells(from + 3), listens(from, from + 3)],
      mode: within(2),
    });
  });

  test('goes on with another teller when one dies, at any step', () => {
    const goOn =
      (end: number) =>
      (context: ThreadContext): void => {
        if (context.thread === 0) write(ringOf(context).writer(), end);
      };
    const both = [tellsBoth(2, 4), listens(0, 4)];
    expectNoFault({ ...ring(0), kills: 1, sweep: goOn(4), threads: both, mode: within(1) });
    for (const ahead of [0, 1]) {
      expectNoFault({
        ...ring(0),
        kills: 1,
        sweep: goOn(3),
        threads: [tells(3, ahead), listens(0, 3)],
        mode: within(1),
      });
    }
  });
});
