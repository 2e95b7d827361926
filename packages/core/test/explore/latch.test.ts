/** The latch in every order of its steps, with deaths at each of them. */
import { Latch } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  OBSERVER,
  SOMETIME,
  endsWith,
  ensure,
  expectNoFault,
  idOf,
  parking,
  sweeperOf,
  within,
} from './exploring.ts';

/** Plain notes, one a thread: its part is done. */
const DONE = 0;

const latchOf = ({ words, thread }: ThreadContext): Latch =>
  new Latch(words, AT, idOf(thread), parking);

const countsDown: ThreadBody = (context) => {
  context.words[DONE + context.thread] = 1;
  return latchOf(context).countDown();
};

/** Waits until the threads with these indices have done their part. */
const waitsFor =
  (parts: readonly number[], limits?: typeof SOMETIME): ThreadBody =>
  (context) => {
    const latch = latchOf(context);
    if (endsWith('ERR_TIMEOUT', () => latch.wait(limits))) return;
    for (const part of parts) ensure(context.words[DONE + part] === 1, `Part ${part} is missing`);
    ensure(latch.tryWait(), 'It passed, and the latch is closed');
  };

/** Counts down in the place of thread 1 when it died before it had. */
const sweep = ({ words, thread }: ThreadContext): void => {
  const latch = new Latch(words, AT, sweeperOf(thread), parking);
  latch.reclaim(idOf(thread));
  if (thread !== 1 || latch.tryWait()) return;
  words[DONE + 1] = 1;
  latch.countDown();
};

const latch = (count: number): Omit<Case, 'name' | 'threads'> => ({
  words: AT + Latch.WORDS,
  setup: ({ words }) => Latch.init(words, AT, count),
  check: isOpen,
});

function isOpen({ words, results, killed }: World): void {
  const stats = new Latch(words, AT, OBSERVER).stats();
  ensure(stats.count === 0 && stats.waiting.length === 0, `${stats.count} are to come`);
  const openers = results.filter((result) => result === true).length;
  ensure(openers === 1 || killed.length > 0, `${openers} have opened it`);
}

describe('a latch', () => {
  test('opens when all have counted down, for one of them', () => {
    expectNoFault({ ...latch(2), threads: [countsDown, countsDown, waitsFor([0, 1])] });
  });

  test('lets through all who wait', () => {
    expectNoFault({ ...latch(1), threads: [waitsFor([1]), countsDown, waitsFor([1])] });
  });

  test('lets through the others when some give up', () => {
    expectNoFault({ ...latch(1), threads: [waitsFor([1], SOMETIME), countsDown, waitsFor([1])] });
  });

  test('loses no wake-up with a thread that dies, at any step', () => {
    const deadly = { kills: 1, sweep };
    expectNoFault({ ...latch(1), ...deadly, threads: [waitsFor([1]), countsDown] });
    const three = [waitsFor([1]), countsDown, waitsFor([1])];
    expectNoFault({ ...latch(1), ...deadly, threads: three, mode: within(2) });
  });
});
