/** The semaphore: weights, order, giving up, and that no permit is ever lost or lent twice. */
import { Semaphore, type SemaphoreLimits, type ThreadId } from '@millrace/core';
import { expect, test } from 'vitest';
import { randomFrom } from './sync-schedules.ts';
import { codeOfRejection, runJob, startThread, until } from './sync-threads.ts';
import { resultOf, sharedWords } from './threads.ts';
import { codeOf, thrownBy } from './thrown.ts';

const HIGHEST = 9;

/** Views of one semaphore, by thread id. They live in the test's thread, which changes nothing. */
function views(limits: SemaphoreLimits): { words: Int32Array; as: (thread: number) => Semaphore } {
  const words = sharedWords(Semaphore.words(HIGHEST));
  Semaphore.init(words, 0, limits);
  const made = new Map<number, Semaphore>();
  return {
    words,
    as(thread) {
      let view = made.get(thread);
      if (!view) made.set(thread, (view = new Semaphore(words, 0, thread as ThreadId)));
      return view;
    },
  };
}

test('zero-filled memory is a semaphore that has nothing to give', () => {
  const semaphore = new Semaphore(sharedWords(Semaphore.words(1)), 0, 1 as ThreadId);
  expect(semaphore.stats()).toMatchObject({ total: 0, free: 0 });
  expect(codeOf(() => semaphore.tryAcquire())).toBe('ERR_INVALID_ARG');
});

test('weights are lent until the total is reached, and known by thread', () => {
  const { as } = views({ total: 10 });
  as(1).acquire(4);
  expect(as(2).tryAcquire(6)).toBe(true);
  expect(as(3).tryAcquire(1)).toBe(false);
  expect(as(1).stats()).toEqual({
    total: 10,
    free: 0,
    held: [
      { thread: 1, weight: 4 },
      { thread: 2, weight: 6 },
    ],
    waiting: [],
    queuedHere: 0,
  });
  as(1).release(3);
  expect(as(3).tryAcquire(4)).toBe(false);
  expect(as(3).tryAcquire(3)).toBe(true);
});

test('weights are counted in units: rounded up, and the total down', () => {
  const { as } = views({ total: 3 * 2 ** 40 + 5, unit: 2 ** 20 });
  expect(as(1).stats().total).toBe(3 * 2 ** 40);
  as(1).acquire(2 ** 40 + 1);
  expect(as(1).stats().held).toEqual([{ thread: 1, weight: 2 ** 40 + 2 ** 20 }]);
  expect(as(2).tryAcquire(2 * 2 ** 40)).toBe(false);
  as(1).release(2 ** 40 + 1);
  expect(as(2).tryAcquire(3 * 2 ** 40)).toBe(true);
});

test('weights and totals that make no sense are refused', () => {
  const { as, words } = views({ total: 10 });
  for (const weight of [0, -1, 1.5, Number.NaN, 11, Infinity]) {
    expect(codeOf(() => as(1).acquire(weight))).toBe('ERR_INVALID_ARG');
    expect(codeOf(() => as(1).tryAcquire(weight))).toBe('ERR_INVALID_ARG');
  }
  expect(thrownBy(() => as(1).acquire(11)).message).toBe(
    'Cannot acquire this weight as it must be an integer from 1 to 10: current value is 11',
  );
  expect(codeOf(() => as(1).release(0.5))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => Semaphore.init(words, 0, { total: -1 }))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => Semaphore.init(words, 0, { total: 2 ** 31 }))).toBe('ERR_INVALID_ARG');
  const huge = { total: 2 ** 53, unit: 2 ** 30 };
  expect(codeOf(() => Semaphore.init(words, 0, huge))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => Semaphore.init(words, 0, { total: 1, unit: 0 }))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => new Semaphore(words, 0, (HIGHEST + 1) as ThreadId))).toBe('ERR_INVALID_ARG');
});

test('nobody gives back more than they hold', () => {
  const { as } = views({ total: 10 });
  as(1).acquire(2);
  expect(codeOf(() => as(1).release(3))).toBe('ERR_NOT_HELD');
  expect(codeOf(() => as(2).release(1))).toBe('ERR_NOT_HELD');
  expect(as(1).stats().free).toBe(8);
});

test('who came first is served first, and a heavy request holds up the light ones behind it', async () => {
  const { as } = views({ total: 4 });
  as(1).acquire(3);
  const order: string[] = [];
  const heavy = as(2)
    .acquireAsync(4)
    .then(() => order.push('heavy'));
  const light = as(3)
    .acquireAsync(1)
    .then(() => order.push('light'));
  expect(as(1).stats().waiting).toEqual([
    { thread: 2, weight: 4 },
    { thread: 3, weight: 1 },
  ]);
  expect(as(4).tryAcquire(1)).toBe(false);
  as(1).release(3);
  await heavy;
  expect(as(1).stats().waiting).toEqual([{ thread: 3, weight: 1 }]);
  as(2).release(4);
  await light;
  expect(order).toEqual(['heavy', 'light']);
});

test('when the heavy request at the head gives up, those behind it that fit are served', async () => {
  const { as } = views({ total: 4 });
  as(1).acquire(3);
  const controller = new AbortController();
  const heavy = as(2).acquireAsync(4, { signal: controller.signal });
  const light = as(3).acquireAsync(1);
  controller.abort();
  expect(await codeOfRejection(heavy)).toBe('ERR_ABORTED');
  await light;
  expect(as(1).stats()).toMatchObject({ free: 0, waiting: [] });
});

test('requests of several threads are served in the order in which they came', async () => {
  const { as } = views({ total: 1 });
  as(1).acquire();
  const order: number[] = [];
  const arrivals = [4, 2, 3, 2, 5, 4, 2];
  const done = arrivals.map(async (thread) => {
    await as(thread).acquireAsync();
    order.push(thread);
    as(thread).release();
  });
  expect(
    as(1)
      .stats()
      .waiting.map(({ thread }) => thread),
  ).toEqual(arrivals);
  as(1).release();
  await Promise.all(done);
  expect(order).toEqual(arrivals);
});

test('a hundred tasks of one thread are served in their order, six of them in the common line', async () => {
  const { as } = views({ total: 2 });
  as(1).acquire(2);
  const order: number[] = [];
  const tasks = Array.from({ length: 100 }, async (_, n) => {
    await as(2).acquireAsync();
    order.push(n);
    as(2).release();
  });
  expect(as(2).stats().waiting.length).toBe(6);
  expect(as(2).stats().queuedHere).toBe(94);
  // The thread itself still has a place for when it blocks.
  expect(codeOf(() => as(2).acquire(1, { timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(as(2).tryAcquire()).toBe(false);
  as(1).release(2);
  await Promise.all(tasks);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  expect(as(2).stats()).toMatchObject({ free: 2, waiting: [], queuedHere: 0 });
});

test('a task that comes when a place is free waits behind those that came when none was', async () => {
  const { as } = views({ total: 1 });
  as(1).acquire();
  const order: number[] = [];
  const task = async (n: number): Promise<void> => {
    await as(2).acquireAsync();
    order.push(n);
    as(2).release();
  };
  const tasks = [0, 1, 2, 3, 4, 5, 6, 7].map(task);
  expect(as(2).stats()).toMatchObject({ queuedHere: 2 });
  // The first one has its permit, and its place is free, but it does not know that yet.
  as(1).release();
  expect(as(2).stats().waiting.length).toBe(5);
  tasks.push(task(8));
  await Promise.all(tasks);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});

test('tasks that give up in the queue, in the line or when served leave all permits behind', async () => {
  const { as } = views({ total: 3 });
  const random = randomFrom(11);
  let granted = 0;
  const tasks = Array.from({ length: 400 }, async (_, n) => {
    const view = as(1 + (n % 4));
    const weight = 1 + (random() % 3);
    const controller = new AbortController();
    const limits =
      n % 3 === 0
        ? { timeoutMs: random() % 8 }
        : n % 3 === 1
          ? { signal: controller.signal }
          : undefined;
    if (n % 3 === 1) setTimeout(() => controller.abort(), random() % 8);
    try {
      await view.acquireAsync(weight, limits);
    } catch (error) {
      expect(['ERR_TIMEOUT', 'ERR_ABORTED']).toContain(Reflect.get(Object(error), 'code'));
      return;
    }
    granted++;
    expect(view.stats().free).toBeGreaterThanOrEqual(0);
    if (n % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
    view.release(weight);
  });
  await Promise.all(tasks);
  expect(granted).toBeGreaterThan(100);
  expect(as(1).stats()).toMatchObject({ free: 3, held: [], waiting: [], queuedHere: 0 });
});

test('a permit that is granted to a task in the moment in which it is aborted goes back', async () => {
  const { as } = views({ total: 1 });
  for (let round = 0; round < 20; round++) {
    as(1).acquire();
    const controller = new AbortController();
    const late = as(2).acquireAsync(1, { signal: controller.signal });
    const next = as(3).acquireAsync();
    as(1).release();
    // It has the permit, and cannot know it yet.
    expect(as(1).stats().held).toEqual([{ thread: 2, weight: 1 }]);
    controller.abort();
    expect(await codeOfRejection(late)).toBe('ERR_ABORTED');
    await next;
    as(3).release();
  }
  expect(as(1).stats()).toMatchObject({ free: 1, held: [], waiting: [] });
});

test('a smaller total lends nothing until enough came back, a larger one at once', async () => {
  const { as } = views({ total: 4 });
  as(1).acquire(4);
  as(1).resize(2);
  as(1).release(2);
  expect(as(1).stats()).toMatchObject({ total: 2, free: 0 });
  const waiting = as(2).acquireAsync(2);
  as(1).release(1);
  expect(as(1).stats().waiting.length).toBe(1);
  as(3).resize(3);
  await waiting;
  expect(as(1).stats()).toMatchObject({ total: 3, free: 0 });
});

test('what a dead thread held and wanted is given back, once', async () => {
  const { as } = views({ total: 4 });
  as(1).acquire(3);
  const heavy = as(2).acquireAsync(4);
  const light = as(3).acquireAsync(4);
  heavy.catch(() => {});
  as(9).reclaim(1 as ThreadId);
  await heavy;
  as(9).reclaim(1 as ThreadId);
  expect(as(9).stats().held).toEqual([{ thread: 2, weight: 4 }]);
  as(9).reclaim(2 as ThreadId);
  await light;
  as(9).reclaim(3 as ThreadId);
  as(9).reclaim(3 as ThreadId);
  as(9).reclaim(100 as ThreadId);
  expect(as(9).stats()).toMatchObject({ free: 4, held: [], waiting: [] });
});

test('a release does not wait for a guard whose holder has died, and is not lost', async () => {
  const { as, words } = views({ total: 2 });
  as(1).acquire(2);
  const waiting = as(2).acquireAsync(2);
  // Thread 3 died in the middle of a decision. Its id is all that it left.
  Atomics.store(words, 0, 3);
  as(1).release(2);
  expect(as(1).stats()).toMatchObject({ free: 2, held: [] });
  expect(as(1).tryAcquire()).toBe(false);
  as(1).reclaim(3 as ThreadId);
  await waiting;
  expect(as(1).stats().held).toEqual([{ thread: 2, weight: 2 }]);
});

test('a block of code can own permits', async () => {
  const { as } = views({ total: 4 });
  {
    using _hold = as(1).hold(3);
    expect(as(2).stats().free).toBe(1);
  }
  const hold = await as(2).holdAsync(4);
  hold.release();
  hold.release();
  expect(as(2).stats().free).toBe(4);
});

test('threads that borrow and give back are never lent more than there is', async () => {
  const { words, as } = views({ total: 5 });
  const marks = sharedWords(HIGHEST);
  const orders = { words, marks, total: 5 };
  const tallies = await Promise.all([
    runJob<Tally>('lend', { ...orders, thread: 1, times: 8_000 }),
    runJob<Tally>('lend', { ...orders, thread: 2, times: 8_000 }),
    runJob<Tally>('lend', { ...orders, thread: 3, times: 8_000, timeoutMs: 0.02 }),
    runJob<Tally>('lend', { ...orders, thread: 4, times: 8_000, timeoutMs: 0.2 }),
  ]);
  for (const { most } of tallies) expect(most).toBeLessThanOrEqual(5);
  expect(tallies[0].granted).toBe(8_000);
  expect(as(9).stats()).toMatchObject({ free: 5, held: [], waiting: [] });
});

test('tasks that time out and abort race with threads for permits, and none is lost', async () => {
  const { words, as } = views({ total: 3 });
  const marks = sharedWords(HIGHEST);
  const rivals = Promise.all(
    [2, 3].map(async (thread) =>
      runJob<Tally>('lend', { words, marks, total: 3, thread, times: 6_000, timeoutMs: 0.5 }),
    ),
  );
  let stopped = false;
  const random = randomFrom(5);
  const tasks = Array.from({ length: 12 }, async (_, n) => {
    while (!stopped) {
      const weight = 1 + (random() % 3);
      const signal = n % 2 === 0 ? AbortSignal.timeout(1 + (random() % 3)) : undefined;
      const limits = n % 2 === 0 ? { signal } : { timeoutMs: (random() % 20) / 10 };
      try {
        await as(1).acquireAsync(weight, limits);
      } catch (error) {
        if (!/ERR_(TIMEOUT|ABORTED)/.test(String(Reflect.get(Object(error), 'code')))) throw error;
        continue;
      }
      // Whoever granted it may have stopped right before it wrote down that it did: then it shows later.
      const held = as(1)
        .stats()
        .held.find(({ thread }) => thread === 1);
      expect(held?.weight ?? 0).toBeLessThanOrEqual(3);
      as(1).release(weight);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await rivals;
  stopped = true;
  await Promise.all(tasks);
  expect(as(1).stats()).toMatchObject({ free: 3, held: [], waiting: [], queuedHere: 0 });
  expect(as(1).tryAcquire(3)).toBe(true);
});

test('threads are served in the order in which they got in line', async () => {
  const { words, as } = views({ total: 1 });
  const log = sharedWords(200);
  as(1).acquire();
  const results: Promise<unknown>[] = [];
  const arrivals = [5, 3, 4, 2];
  for (const [n, thread] of arrivals.entries()) {
    results.push(resultOf(startThread('queueUp', { words, log, thread, times: 30 })));
    await until(() => as(1).stats().waiting.length === n + 1);
  }
  as(1).release();
  await Promise.all(results);
  expect([...log.subarray(1, 5)]).toEqual(arrivals);
  expect(log[0]).toBe(120);
  expect(as(1).stats()).toMatchObject({ free: 1, held: [], waiting: [] });
});

interface Tally {
  granted: number;
  timeouts: number;
  most: number;
}
