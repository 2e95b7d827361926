/** Leasing and releasing in every order of their steps, with deaths at each of them. */
import type { ThreadBody } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { expectNoFault, within } from './exploring.ts';
import { HALF, Memory, SMALL, WHOLE, give, lends, lendsTwo, opened, take } from './room.ts';

const one = new Memory(1);

/** Leases, releases and empties its magazine. */
const flushes: ThreadBody = (context) => {
  const room = one.thread(context);
  const held = take(room, SMALL);
  if (held) give(room, held, SMALL);
  room.pools[SMALL]!.flush();
  room.waiting.call();
};

describe('slots of one slab', () => {
  test('are held by one thread at a time and come home, whatever two do', () => {
    for (const c of [WHOLE, HALF, SMALL]) {
      expectNoFault({ ...opened(one, c), threads: [lends(one, c), lends(one, c)] });
      expectNoFault({ ...opened(one, c), threads: [lends(one, c, 2), lends(one, c)] });
      expectNoFault({
        ...opened(one, c),
        threads: [lends(one, c, 2), lends(one, c, 2)],
        mode: within(2),
      });
    }
  });

  test('are held by one thread at a time when threads hold several', () => {
    for (const c of [HALF, SMALL]) {
      expectNoFault({ ...opened(one, c), threads: [lendsTwo(one, c), lendsTwo(one, c)] });
    }
  });

  test('are held by one thread at a time, whatever three do', () => {
    for (const c of [WHOLE, HALF, SMALL]) {
      const threads = [lends(one, c), lends(one, c), lends(one, c)];
      expectNoFault({ ...opened(one, c), threads, mode: within(2) });
    }
  });

  test('go through magazines that are refilled, stolen from and emptied', () => {
    expectNoFault({ ...opened(one, SMALL), threads: [flushes, flushes] });
    expectNoFault({ ...opened(one, SMALL), threads: [flushes, lendsTwo(one, SMALL)] });
    const threads = [flushes, flushes, lends(one, SMALL)];
    expectNoFault({ ...opened(one, SMALL), threads, mode: within(1) });
  });

  test('come home wherever a thread dies', () => {
    for (const c of [WHOLE, HALF, SMALL]) {
      const threads = [lends(one, c), lends(one, c)];
      expectNoFault({ ...opened(one, c), threads, kills: 1, mode: within(1) });
      expectNoFault({ ...opened(one, c), threads, kills: 2, sweeps: 'last', mode: within(1) });
    }
    expectNoFault({
      ...opened(one, SMALL),
      threads: [flushes, lends(one, SMALL)],
      kills: 1,
      mode: within(1),
    });
  });
});
