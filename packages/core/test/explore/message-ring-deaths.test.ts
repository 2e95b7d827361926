/** The message ring with deaths at each step: nothing is lost but what the dead held, and nobody waits for them. */
import { MessageRing } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  OBSERVER,
  ensure,
  parking,
  random,
  within,
  expectNoFault,
  idOf,
  sweeperOf,
} from './exploring.ts';

const CELLS = 4;
const SHAPE = { cells: CELLS, messageWords: 1 };
const SMALL = { cells: 2, messageWords: 1 };

/** Notes, one of each message: it came out, to a consumer or as an orphan. */
const OUT = 0;
/** What a sweeper sends for the dead thread. */
const SUBSTITUTE = 24;

const ringOf = ({ words, thread }: ThreadContext, shape = SHAPE): MessageRing =>
  new MessageRing(words, AT, shape, idOf(thread), parking);

function noteOut(words: Int32Array, message: number): void {
  ensure(Atomics.add(words, OUT + message, 1) === 0, `Message ${message} comes out twice`);
}

/** Pushes messages `thread * 8 + n` in batches, and returns them. There is room for all. */
const sends =
  (count: number, batch = 1): ThreadBody =>
  (context) => {
    const ring = ringOf(context);
    const messages = Int32Array.from({ length: count }, (_, i) => context.thread * 8 + i);
    let sent = 0;
    while (sent < count)
      sent += ring.pushBatch(messages.subarray(sent), Math.min(batch, count - sent));
    return [...messages];
  };

/** Pushes a message each time that there is room, and returns them. */
const offers =
  (times: number): ThreadBody =>
  (context) => {
    const ring = ringOf(context, SMALL);
    const messages = Array.from({ length: times }, (_, i) => context.thread * 8 + i);
    return messages.filter((message) => ring.push(Int32Array.of(message)));
  };

/** Pops so many times, and takes what is there. */
const takes =
  (times: number, batch = 1, shape = SHAPE): ThreadBody =>
  (context) => {
    const ring = ringOf(context, shape);
    const target = new Int32Array(batch);
    for (let i = 0; i < times; i++) {
      const count = ring.popBatch(target, batch);
      for (const message of target.subarray(0, count)) noteOut(context.words, message);
    }
  };

/** Waits until it has so many messages. */
const receives =
  (count: number): ThreadBody =>
  (context) => {
    const ring = ringOf(context);
    const target = new Int32Array(1);
    for (let received = 0; received < count;) {
      if (ring.pop(target) < 0) {
        ring.waitForMessagesSync();
        continue;
      }
      noteOut(context.words, target[0]!);
      received++;
    }
  };

const sweeps = ({ words, thread }: ThreadContext, shape = SHAPE): MessageRing => {
  const ring = new MessageRing(words, AT, shape, sweeperOf(thread));
  ring.reclaim(idOf(thread), (message) => noteOut(words, message[0]!));
  return ring;
};

/** Sends in the place of the dead, so that a consumer gets as many messages as it waits for. */
const sweepsAndSends = (context: ThreadContext): void => {
  const ring = sweeps(context);
  ensure(ring.push(Int32Array.of(SUBSTITUTE + context.thread)), 'The ring is full');
};

/** All that was sent came out or is there still, but for `batch` messages of each that died; and the ring is whole. */
function isWhole({ words, raw, results, killed }: World, batch: number, shape = SHAPE): void {
  const ring = new MessageRing(words, AT, shape, OBSERVER);
  const target = new Int32Array(1);
  const last = new Map<number, number>();
  while (ring.pop(target) >= 0) {
    const message = target[0]!;
    const producer = message >> 3;
    ensure((last.get(producer) ?? -1) < message, `Message ${message} comes out of order`);
    last.set(producer, message);
    noteOut(words, message);
  }
  const sent = results.flatMap((messages) => (messages as number[] | undefined) ?? []);
  const missing = sent.filter((message) => raw[OUT + message] === 0).length;
  ensure(missing <= batch * killed.length, `${missing} messages are lost`);
  const { claimed, reading, published } = ring.stats();
  ensure(claimed + reading + published === 0, 'The dead hold cells');
  for (let i = 0; i < shape.cells; i++) ensure(ring.push(target), 'Cells are lost');
}

const ring = (batch = 1, shape = SHAPE): Omit<Case, 'name' | 'threads'> => ({
  words: AT + MessageRing.words(shape),
  kills: 1,
  sweep: (context) => void sweeps(context, shape),
  check: (world) => isWhole(world, batch, shape),
});

describe('a message ring', () => {
  test('loses at most the message that a thread died over, at any step', () => {
    expectNoFault({ ...ring(), threads: [sends(2), takes(2)], mode: within(2) });
    expectNoFault({ ...ring(), threads: [sends(1), sends(1), takes(2)], mode: within(1) });
    expectNoFault({ ...ring(), threads: [sends(2), takes(1), takes(1)], mode: within(1) });
  });

  test('loses at most the batch that a thread died over', () => {
    expectNoFault({ ...ring(2), threads: [sends(3, 2), takes(2, 2)], mode: within(2) });
  });

  test('hands over what a consumer had before others write there', () => {
    const threads = [offers(3), takes(1, 1, SMALL)];
    expectNoFault({ ...ring(1, SMALL), threads, mode: within(2) });
  });

  test('loses no more when two die', () => {
    expectNoFault({ ...ring(), kills: 2, threads: [sends(2), takes(2)], mode: within(1) });
  });

  test('loses no more when any of four die', () => {
    const threads = [sends(2), sends(2, 2), takes(2), takes(2, 2)];
    expectNoFault({ ...ring(2), kills: 3, threads, mode: random(10_000) });
  });

  test('wakes who waits for a message when its producer dies', () => {
    const two = { ...ring(), sweep: sweepsAndSends };
    const lives: ThreadBody = receives(1);
    expectNoFault({ ...two, threads: [sends(1), lives], mode: within(2), check: () => {} });
    expectNoFault({
      ...two,
      threads: [sends(1), receives(2), sends(1)],
      mode: within(1),
      check: () => {},
    });
  });
});
