/** The condition in every order of its steps, with deaths at each of them. */
import { Condition, Mutex } from '@millrace/core';
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

/** Plain notes, guarded by the mutex: items that lie ready, and items taken. */
const READY = 0;
const TAKEN = 1;
const KEPT = 2;
const FILLED = AT + Mutex.WORDS;

interface Monitor {
  readonly mutex: Mutex;
  readonly filled: Condition;
}

const monitorOf = ({ words, thread }: ThreadContext): Monitor => ({
  mutex: new Mutex(words, AT, idOf(thread), parking),
  filled: new Condition(words, FILLED, idOf(thread), parking),
});

const produces =
  (items: number): ThreadBody =>
  (context) => {
    const { words } = context;
    const { mutex, filled } = monitorOf(context);
    for (let i = 0; i < items; i++) {
      mutex.lock();
      words[READY] = words[READY]! + 1;
      filled.notifyOne();
      mutex.unlock();
    }
  };

const producesForAll =
  (items: number): ThreadBody =>
  (context) => {
    const { mutex, filled } = monitorOf(context);
    mutex.lock();
    context.words[READY] = items;
    filled.notifyAll();
    mutex.unlock();
  };

/** Takes an item; whoever gives up leaves it to the others. */
const takes =
  (limits?: typeof SOMETIME): ThreadBody =>
  (context) => {
    const { words } = context;
    const { mutex, filled } = monitorOf(context);
    mutex.lock();
    const took = !endsWith('ERR_TIMEOUT', () =>
      filled.waitFor(mutex, () => words[READY]! > 0, limits),
    );
    if (took) {
      words[READY] = words[READY]! - 1;
      words[TAKEN] = words[TAKEN]! + 1;
    }
    mutex.unlock();
    return took ? 1 : 0;
  };

/** Puts back what it takes. */
const borrows: ThreadBody = (context) => {
  if (takes(SOMETIME)(context) === 0) return;
  const { mutex, filled } = monitorOf(context);
  mutex.lock();
  context.words[TAKEN] = context.words[TAKEN]! - 1;
  context.words[READY] = context.words[READY]! + 1;
  filled.notifyOne();
  mutex.unlock();
};

/** The last thread produces. Its work is done by the one who buries it. */
const sweepFor =
  (producer: number, items: number) =>
  ({ words, thread }: ThreadContext): void => {
    const mutex = new Mutex(words, AT, sweeperOf(thread), parking);
    const filled = new Condition(words, FILLED, sweeperOf(thread), parking);
    mutex.reclaim(idOf(thread));
    filled.reclaim(idOf(thread));
    if (thread !== producer) return;
    mutex.lock();
    words[READY] = items;
    filled.notifyAll();
    mutex.unlock();
  };

/** Takes an item for good. */
const keeps: ThreadBody = (context) => {
  const { mutex, filled } = monitorOf(context);
  mutex.lock();
  filled.waitFor(mutex, () => context.words[READY]! > 0);
  context.words[READY] = 0;
  context.words[KEPT] = 1;
  mutex.unlock();
};

/** Sees to it that there is one item, and leaves it to the condition to tell those who wait. */
const repair = ({ words, thread }: ThreadContext): void => {
  const mutex = new Mutex(words, AT, sweeperOf(thread), parking);
  mutex.reclaim(idOf(thread));
  mutex.lock();
  words[READY] = 1 - words[KEPT]!;
  mutex.unlock();
  new Condition(words, FILLED, sweeperOf(thread), parking).reclaim(idOf(thread));
};

function nothingIsLost({ words, raw, results, killed }: World): void {
  const { waiting } = new Condition(words, FILLED, OBSERVER, parking).stats();
  ensure(waiting.length === 0, `${waiting.length} wait`);
  if (killed.length > 0) return;
  const taken = results.reduce<number>((sum, took) => sum + Number(took ?? 0), 0);
  ensure(raw[TAKEN] === taken, `${raw[TAKEN]} are taken, by ${taken}`);
}

const monitor: Omit<Case, 'name' | 'threads'> = {
  words: FILLED + Condition.words(OBSERVER),
  check: nothingIsLost,
};

describe('a condition', () => {
  test('tells one who waits of each item, whenever it comes', () => {
    expectNoFault({ ...monitor, threads: [takes(), produces(1)] });
    expectNoFault({ ...monitor, threads: [takes(), takes(), produces(2)], mode: within(2) });
  });

  test('tells all who wait at once', () => {
    expectNoFault({ ...monitor, threads: [takes(), takes(), producesForAll(2)], mode: within(2) });
  });

  test('tells another when the one who was told gives up', () => {
    expectNoFault({ ...monitor, threads: [takes(SOMETIME), produces(1)] });
    expectNoFault({ ...monitor, threads: [takes(), borrows, produces(1)], mode: within(2) });
  });

  test('loses no notification with a thread that dies, at any step', () => {
    const deadly = { ...monitor, kills: 1 };
    expectNoFault({
      ...deadly,
      sweep: sweepFor(1, 1),
      threads: [takes(), produces(1)],
      mode: within(2),
    });
    const three = [takes(), takes(), produces(2)];
    expectNoFault({ ...deadly, sweep: sweepFor(2, 2), threads: three, mode: within(1) });
  });

  test('wakes another for what a thread was told that dies, at any step', () => {
    const threads = [keeps, borrows, produces(1)];
    expectNoFault({ ...monitor, kills: 1, sweep: repair, threads, mode: within(1) });
  });
});
