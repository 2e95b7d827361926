/** The message ring in every order of its steps, with deaths at each of them. */
import { MessageRing } from '@millrace/core';
import {
  assertLinearizable,
  type Case,
  type Model,
  type ThreadBody,
  type ThreadContext,
  type World,
} from '@millrace/interleave';
import { describe, test } from 'vitest';
import { AT, ensure, parking, random, within, expectNoFault, idOf } from './exploring.ts';

const MESSAGE_WORDS = 1;
const EMPTY = -1;

const ringOf = ({ words, thread }: ThreadContext, cells: number): MessageRing =>
  new MessageRing(words, AT, { cells, messageWords: MESSAGE_WORDS }, idOf(thread), parking);

function popFrom(ring: MessageRing): number {
  const target = new Int32Array(MESSAGE_WORDS);
  return ring.pop(target) < 0 ? EMPTY : target[0]!;
}

/** A queue. `exact` is what one producer and one consumer see of it; else a call may meet another halfway. */
const queue = (cells: number, exact: boolean): Model<readonly number[]> => ({
  initial: [],
  next(messages, { name, args, result, respondedAt }) {
    const unknown = respondedAt === Infinity;
    if (name === 'push') {
      const full = messages.length === cells;
      if (result === false) return full || !exact ? messages : undefined;
      return full && !unknown ? undefined : [...messages, args[0] as number];
    }
    if (unknown) return messages.slice(1);
    if (result === EMPTY) return messages.length === 0 || !exact ? messages : undefined;
    return messages[0] === result ? messages.slice(1) : undefined;
  },
});

const pushes =
  (cells: number, count: number): ThreadBody =>
  (context) => {
    const ring = ringOf(context, cells);
    for (let i = 0; i < count; i++) {
      const message = context.thread * 8 + i;
      context.operation('push', [message], () => ring.push(Int32Array.of(message)));
    }
  };

const pops =
  (cells: number, count: number): ThreadBody =>
  (context) => {
    const ring = ringOf(context, cells);
    for (let i = 0; i < count; i++) context.operation('pop', [], () => popFrom(ring));
  };

const linearizable = (cells: number, exact: boolean): Omit<Case, 'name' | 'threads'> => ({
  words: AT + MessageRing.words({ cells, messageWords: MESSAGE_WORDS }),
  check: ({ history }) => assertLinearizable(history, queue(cells, exact)),
});

/** Pushes messages `thread * 8 + n`, waiting for room, `batch` at a time. */
const sends =
  (cells: number, count: number, batch = 1): ThreadBody =>
  (context) => {
    const ring = ringOf(context, cells);
    const messages = Int32Array.from({ length: count }, (_, i) => context.thread * 8 + i);
    for (let sent = 0; sent < count;) {
      const pushed = ring.pushBatch(messages.subarray(sent), Math.min(batch, count - sent));
      sent += pushed;
      if (pushed === 0) ring.waitForRoomSync();
    }
    return [];
  };

/** Pops until it has so many messages, waiting for them, and returns them. */
const receives =
  (cells: number, count: number, batch = 1): ThreadBody =>
  (context) => {
    const ring = ringOf(context, cells);
    const received: number[] = [];
    const target = new Int32Array(batch * MESSAGE_WORDS);
    while (received.length < count) {
      const popped = ring.popBatch(target, Math.min(batch, count - received.length));
      received.push(...target.subarray(0, popped));
      if (popped === 0) ring.waitForMessagesSync();
    }
    return received;
  };

/** Each message came out once, and those of one producer in order to each consumer. */
function allArrive({ results }: World, sent: number): void {
  const lists = results as number[][];
  const all = lists.flat();
  ensure(all.length === sent && new Set(all).size === sent, `${all.join()} arrive`);
  for (const list of lists) {
    const ordered = list.every((message, i) =>
      list.slice(0, i).every((earlier) => earlier >> 3 !== message >> 3 || earlier < message),
    );
    ensure(ordered, `${list.join()} arrive in this order`);
  }
}

const delivery = (cells: number, sent: number): Omit<Case, 'name' | 'threads'> => ({
  words: AT + MessageRing.words({ cells, messageWords: MESSAGE_WORDS }),
  check: (world) => allArrive(world, sent),
});

describe('a message ring', () => {
  test('is a queue to one producer and one consumer', () => {
    expectNoFault({ ...linearizable(2, true), threads: [pushes(2, 3), pops(2, 3)] });
  });

  test('is a queue to several of both, but for calls that meet another halfway', () => {
    const some = linearizable(2, false);
    expectNoFault({ ...some, threads: [pushes(2, 2), pushes(2, 2)] });
    expectNoFault({ ...some, threads: [pushes(2, 2), pushes(2, 1), pops(2, 2)], mode: within(2) });
    expectNoFault({ ...some, threads: [pushes(2, 3), pops(2, 2), pops(2, 1)], mode: within(2) });
  });

  test('hands on each message once and in order, and each side wakes the other', () => {
    expectNoFault({ ...delivery(2, 3), threads: [sends(2, 3), receives(2, 3)], mode: within(3) });
    expectNoFault({
      ...delivery(2, 2),
      threads: [sends(2, 1), sends(2, 1), receives(2, 2)],
      mode: within(2),
    });
    expectNoFault({
      ...delivery(2, 2),
      threads: [sends(2, 2), receives(2, 1), receives(2, 1)],
      mode: within(2),
    });
  });

  test('serves four threads at a time', () => {
    const producers = [sends(2, 3), sends(2, 2)];
    const threads = [...producers, receives(2, 3), receives(2, 2, 2)];
    expectNoFault({ ...delivery(2, 5), threads, mode: random(20_000) });
  });

  test('hands on batches', () => {
    expectNoFault({
      ...delivery(4, 4),
      threads: [sends(4, 4, 2), receives(4, 4, 3)],
      mode: within(3),
    });
    const three = [sends(4, 3, 3), sends(4, 2, 2), receives(4, 5, 2)];
    expectNoFault({ ...delivery(4, 5), threads: three, mode: within(2) });
  });
});
