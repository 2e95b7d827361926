/** Slabs that are opened, retired and taken over while others use their slots; and runs of them. */
import type { ThreadBody } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { expectNoFault, within } from './exploring.ts';
import {
  HALF,
  Memory,
  SMALL,
  TINY,
  WHOLE,
  give,
  lends,
  lendsRun,
  lendsTwo,
  opened,
  take,
} from './room.ts';

const one = new Memory(1);
const two = new Memory(2);

const retires =
  (memory: Memory): ThreadBody =>
  (context) =>
    void memory.thread(context).life.retire(0);

/** Goes from one class to another and back, with what it keeps in magazines. */
const turns =
  (memory: Memory, ...classes: number[]): ThreadBody =>
  (context) => {
    const room = memory.thread(context);
    for (const c of classes) {
      const held = take(room, c);
      if (held) give(room, held, c);
    }
  };

const drains =
  (memory: Memory): ThreadBody =>
  (context) => {
    const { life } = memory.thread(context);
    life.drain(0);
    life.uncache(0);
    life.retire(0);
  };

const empty = one.case();

describe('a slab', () => {
  test('is opened by one of those who need it', () => {
    expectNoFault({ ...empty, threads: [lends(one, HALF), lends(one, HALF)] });
    expectNoFault({ ...two.case(), threads: [lends(two, WHOLE), lends(two, HALF)] });
    const threads = [lends(one, HALF), lends(one, SMALL), lends(one, WHOLE)];
    expectNoFault({ ...empty, threads, mode: within(1) });
  });

  test('is retired only when all its slots are free', () => {
    for (const c of [WHOLE, HALF, SMALL]) {
      expectNoFault({ ...opened(one, c), threads: [lends(one, c), retires(one)] });
      expectNoFault({ ...opened(one, c), threads: [lends(one, c), drains(one)] });
      expectNoFault({
        ...opened(one, c),
        threads: [lends(one, c), lends(one, c), retires(one)],
        mode: within(1),
      });
    }
  });

  test('is taken over for another class while others take, pop and steal', () => {
    for (const [a, b] of [
      [SMALL, WHOLE],
      [SMALL, HALF],
      [HALF, SMALL],
    ] as const) {
      const of = opened(one, a);
      const mode = within(2);
      expectNoFault({ ...of, threads: [lends(one, a), lends(one, b)], mode });
      expectNoFault({ ...of, threads: [lends(one, a, 2), lends(one, b)], mode });
      expectNoFault({ ...of, threads: [turns(one, a, b, a), lends(one, b)], mode });
      const three = [lends(one, a), lends(one, b), lends(one, a)];
      expectNoFault({ ...of, threads: three, mode: within(1) });
    }
    expectNoFault({ ...opened(one, SMALL), threads: [lends(one, SMALL), lends(one, WHOLE)] });
  });

  test('takes no entries of magazines and no thieves along to another class', () => {
    const set = opened(one, SMALL);
    expectNoFault({
      ...set,
      threads: [turns(one, SMALL, TINY, SMALL), retires(one)],
      mode: within(1),
    });
    expectNoFault({
      ...set,
      threads: [turns(one, SMALL, TINY), lends(one, SMALL)],
      mode: within(2),
    });
    const twoThenSmall: ThreadBody = (context) => {
      lendsTwo(one, HALF)(context);
      lends(one, SMALL)(context);
    };
    expectNoFault({
      ...opened(one, HALF),
      threads: [twoThenSmall, lends(one, HALF)],
      mode: within(2),
    });
  });

  test('changes hands as before wherever a thread dies', () => {
    for (const [a, b] of [
      [SMALL, WHOLE],
      [HALF, SMALL],
    ] as const) {
      const threads = [lends(one, a), lends(one, b)];
      expectNoFault({ ...opened(one, a), threads, kills: 1, mode: within(1) });
    }
    expectNoFault({
      ...opened(one, HALF),
      threads: [lends(one, HALF), drains(one)],
      kills: 1,
      mode: within(1),
    });
    expectNoFault({
      ...opened(one, HALF),
      threads: [lends(one, HALF), lends(one, HALF), retires(one)],
      kills: 1,
      sweeps: 'last',
      mode: within(1),
    });
  });
});

describe('a run of slabs', () => {
  test('is one thread’s, and leaves its slabs to the classes', () => {
    expectNoFault({ ...two.case(), threads: [lendsRun(two), lendsRun(two)] });
    expectNoFault({ ...two.case(), threads: [lendsRun(two), lends(two, HALF)] });
    expectNoFault({ ...opened(two, HALF), threads: [lendsRun(two), lends(two, HALF)] });
    expectNoFault({
      ...opened(two, HALF),
      threads: [lendsRun(two), lends(two, HALF), lends(two, WHOLE)],
      mode: within(1),
    });
  });

  test('comes home wherever a thread dies', () => {
    expectNoFault({
      ...two.case(),
      threads: [lendsRun(two), lendsRun(two)],
      kills: 1,
      mode: within(1),
    });
    expectNoFault({
      ...opened(two, HALF),
      threads: [lendsRun(two), lends(two, HALF)],
      kills: 1,
      mode: within(1),
    });
  });
});
