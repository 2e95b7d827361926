/** The mutex: its rules within one thread, under load by many, and when holders die. */
import { Mutex, type ThreadId } from '@millrace/core';
import { expect, test, vi } from 'vitest';
import { codeOfRejection, runJob, until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf, thrownBy } from './thrown.ts';

/** Two threads' views of one mutex. Both live in the test's thread, which changes nothing. */
function twoViews(): { one: Mutex; two: Mutex; words: Int32Array } {
  const words = sharedWords(Mutex.WORDS);
  return {
    words,
    one: new Mutex(words, 0, 1 as ThreadId),
    two: new Mutex(words, 0, 2 as ThreadId),
  };
}

test('zero-filled memory is a mutex that nobody holds', () => {
  const { one, two } = twoViews();
  expect(one.stats()).toEqual({ holder: undefined, abandoned: false, sleeping: [], listening: [] });
  expect(one.lock()).toBe('clean');
  expect(one.held).toBe(true);
  expect(two.held).toBe(false);
  expect(two.stats().holder).toBe(1);
  expect(two.tryLock()).toBeUndefined();
  one.unlock();
  expect(two.tryLock()).toBe('clean');
});

test('only the holder can unlock', () => {
  const { one, two } = twoViews();
  expect(codeOf(() => one.unlock())).toBe('ERR_NOT_HELD');
  one.lock();
  expect(thrownBy(() => two.unlock()).message).toContain('thread 1 does');
  expect(two.stats().holder).toBe(1);
});

test('a thread that would wait for itself is told so', () => {
  const { one } = twoViews();
  one.lock();
  expect(codeOf(() => one.lock())).toBe('ERR_DEADLOCK');
  expect(one.stats().holder).toBe(1);
});

test('a lock that does not come in time is given up, and leaves nothing behind', async () => {
  const { one, two } = twoViews();
  one.lock();
  expect(codeOf(() => two.lock({ timeoutMs: 0 }))).toBe('ERR_TIMEOUT');
  expect(codeOf(() => two.lock({ timeoutMs: 2 }))).toBe('ERR_TIMEOUT');
  expect(await codeOfRejection(two.lockAsync({ timeoutMs: 2 }))).toBe('ERR_TIMEOUT');
  expect(one.stats()).toMatchObject({ sleeping: [], listening: [] });
  one.unlock();
  expect(two.lock({ timeoutMs: 0 })).toBe('clean');
});

test('a time limit that is no time is refused, and so is a place that is none', () => {
  const { one, words } = twoViews();
  expect(codeOf(() => one.lock({ timeoutMs: -1 }))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => one.lock({ timeoutMs: Number.NaN }))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => new Mutex(words, 1, 1 as ThreadId))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => new Mutex(words, -1, 1 as ThreadId))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => new Mutex(words, 0, 0 as ThreadId))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => new Mutex(words, 0, 128 as ThreadId))).toBe('ERR_INVALID_ARG');
});

test('the signal that ends a wait is the cause of its error', async () => {
  const { one, two } = twoViews();
  one.lock();
  const controller = new AbortController();
  const waiting = two.lockAsync({ signal: controller.signal });
  await until(() => one.stats().listening.length === 1);
  controller.abort('enough');
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' });
  expect(codeOf(() => two.lock({ signal: controller.signal }))).toBe('ERR_ABORTED');
  expect(await codeOfRejection(two.lockAsync({ signal: controller.signal }))).toBe('ERR_ABORTED');
  expect(one.stats().listening).toEqual([]);
});

test('a hundred waits under one signal listen to it once, and not at all when they have ended', async () => {
  const { one, two } = twoViews();
  one.lock();
  const { signal } = new AbortController();
  const listen = vi.spyOn(signal, 'addEventListener');
  const unlisten = vi.spyOn(signal, 'removeEventListener');
  const waits = Array.from({ length: 100 }, async () => {
    await two.lockAsync({ signal });
    two.unlock();
  });
  expect(listen).toHaveBeenCalledTimes(1);
  one.unlock();
  await Promise.all(waits);
  expect(unlisten).toHaveBeenCalledTimes(listen.mock.calls.length);
});

test('a lock and an unlock that nobody contends are two atomic operations', () => {
  const { one } = twoViews();
  const names = ['load', 'store', 'add', 'and', 'or', 'compareExchange', 'notify'] as const;
  const spies = names.map((name) => vi.spyOn(Atomics, name));
  one.lock();
  one.unlock();
  const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
  vi.restoreAllMocks();
  expect(calls).toBe(2);
});

test('tasks of a thread get the lock in the order in which they came', async () => {
  const { one, two } = twoViews();
  one.lock();
  const order: number[] = [];
  const tasks = [0, 1, 2, 3].map(async (n) => {
    await two.lockAsync();
    order.push(n);
    await Promise.resolve();
    two.unlock();
  });
  one.unlock();
  await Promise.all(tasks);
  expect(order).toEqual([0, 1, 2, 3]);
  expect(one.stats()).toMatchObject({ holder: undefined, listening: [] });
});

test('a task that gives up just as it is called passes the call on', async () => {
  const { one, two } = twoViews();
  for (let round = 0; round < 20; round++) {
    one.lock();
    const controller = new AbortController();
    const first = two.lockAsync({ signal: controller.signal });
    const second = two.lockAsync();
    await until(() => one.stats().listening.length === 1);
    // Both in one turn: the bell has rung, and the task that it rang for is gone.
    one.unlock();
    controller.abort();
    expect(await codeOfRejection(first)).toBe('ERR_ABORTED');
    expect(await second).toBe('clean');
    two.unlock();
  }
});

test('whoever locks next is told that the holder died, and only they are', () => {
  const { one, two, words } = twoViews();
  one.lock();
  two.reclaim(1 as ThreadId);
  two.reclaim(1 as ThreadId);
  expect(two.stats()).toMatchObject({ holder: undefined, abandoned: true });
  const three = new Mutex(words, 0, 3 as ThreadId);
  expect(two.lock()).toBe('abandoned');
  expect(two.abandoned).toBe(true);
  // It dies before it has repaired anything.
  three.reclaim(2 as ThreadId);
  expect(three.tryLock()).toBe('abandoned');
  three.unlock();
  expect(three.lock()).toBe('clean');
  expect(three.abandoned).toBe(false);
});

test('the reclaim of a thread that holds nothing takes nothing from others', () => {
  const { one, two } = twoViews();
  one.lock();
  two.reclaim(3 as ThreadId);
  expect(two.stats()).toMatchObject({ holder: 1, abandoned: false });
});

test('a task that waits for a dead holder gets the lock when it is reclaimed', async () => {
  const { one, two } = twoViews();
  one.lock();
  const waiting = two.lockAsync();
  await until(() => one.stats().listening.length === 1);
  two.reclaim(1 as ThreadId);
  expect(await waiting).toBe('abandoned');
});

test('a block of code can own the lock', async () => {
  const { one, two } = twoViews();
  {
    using hold = one.hold();
    expect(hold.outcome).toBe('clean');
    expect(two.stats().holder).toBe(1);
  }
  const hold = await two.holdAsync();
  expect(one.stats().holder).toBe(2);
  hold.release();
  hold.release();
  expect(one.stats().holder).toBeUndefined();
});

test('threads that count under it miss no count, blocked and unblocked, patient and not', async () => {
  const words = sharedWords(Mutex.WORDS);
  const counter = sharedWords(1);
  const orders = { words, counter };
  const results = await Promise.all([
    runJob<Tally>('count', { ...orders, thread: 1, times: 30_000 }),
    runJob<Tally>('count', { ...orders, thread: 2, times: 30_000 }),
    runJob<Tally>('count', { ...orders, thread: 3, times: 30_000, timeoutMs: 0.05 }),
    runJob<Tally>('countAsync', { ...orders, thread: 4, times: 2_000, tasks: 4 }),
  ]);
  const counted = results.reduce((sum, result) => sum + result.counted, 0);
  expect(counter[0]).toBe(counted);
  expect(new Mutex(words, 0, 9 as ThreadId).stats()).toEqual({
    holder: undefined,
    abandoned: false,
    sleeping: [],
    listening: [],
  });
});

interface Tally {
  counted: number;
  timeouts: number;
}
