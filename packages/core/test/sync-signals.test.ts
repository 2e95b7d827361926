/** What tells many at once: the latch, the event, and once. */
import {
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  Once,
  RwLock,
  Semaphore,
  type ThreadId,
} from '@millrace/core';
import { expect, test } from 'vitest';
import { codeOfRejection, runJob, until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf, thrownBy } from './thrown.ts';

const ONE = 1 as ThreadId;
const TWO = 2 as ThreadId;

function latchOf(count: number): { one: Latch; two: Latch } {
  const words = sharedWords(Latch.WORDS);
  Latch.init(words, 0, count);
  return { one: new Latch(words, 0, ONE), two: new Latch(words, 0, TWO) };
}

function events(): { one: ManualResetEvent; two: ManualResetEvent } {
  const words = sharedWords(ManualResetEvent.WORDS);
  return { one: new ManualResetEvent(words, 0, ONE), two: new ManualResetEvent(words, 0, TWO) };
}

function onces(): { one: Once; two: Once } {
  const words = sharedWords(Once.WORDS);
  return { one: new Once(words, 0, ONE), two: new Once(words, 0, TWO) };
}

test('a latch opens when it was counted down, and stays open', async () => {
  const { one, two } = latchOf(3);
  expect(one.tryWait()).toBe(false);
  expect(one.countDown()).toBe(false);
  const waiting = [two.waitAsync(), two.waitAsync()];
  expect(one.stats()).toEqual({ count: 2, waiting: [2] });
  expect(one.countDown(2)).toBe(true);
  await Promise.all(waiting);
  two.wait();
  expect(two.tryWait()).toBe(true);
  expect(one.stats()).toEqual({ count: 0, waiting: [] });
});

test('a latch is not counted down below zero, nor by what is no number', () => {
  const { one } = latchOf(2);
  expect(thrownBy(() => one.countDown(3)).message).toBe(
    'Cannot count a latch down by 3 as only 2 are to come',
  );
  expect(codeOf(() => one.countDown(0))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => Latch.init(sharedWords(Latch.WORDS), 0, -1))).toBe('ERR_INVALID_ARG');
  expect(one.stats().count).toBe(2);
});

test('who gives up at a latch is not waited for', async () => {
  const { one, two } = latchOf(1);
  const controller = new AbortController();
  const aborted = two.waitAsync({ signal: controller.signal });
  controller.abort();
  expect(await codeOfRejection(aborted)).toBe('ERR_ABORTED');
  expect(codeOf(() => two.wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(one.stats().waiting).toEqual([]);
});

test('an event lets all pass while it is set, and those who waited even when it is reset at once', async () => {
  const { one, two } = events();
  expect(one.tryWait()).toBe(false);
  const waiting = [one.waitAsync(), two.waitAsync()];
  expect(one.stats().waiting).toEqual([1, 2]);
  expect(one.set()).toBe(true);
  expect(one.set()).toBe(false);
  two.wait();
  expect(one.reset()).toBe(true);
  expect(one.reset()).toBe(false);
  await Promise.all(waiting);
  expect(codeOf(() => two.wait({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(await codeOfRejection(two.waitAsync({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(one.stats()).toEqual({ set: false, timesSet: 1, waiting: [] });
});

test('once runs what it is given once, and all others wait until it is done', async () => {
  const { one, two } = onces();
  let finish = (): void => {};
  const running = one.runAsync(async (found) => {
    expect(found).toBe('clean');
    await new Promise<void>((resolve) => (finish = resolve));
  });
  expect(one.stats()).toEqual({ state: 'running', runner: 1, waiting: [] });
  const waiting = two.runAsync(() => expect.unreachable());
  expect(codeOf(() => one.run(() => {}))).toBe('ERR_DEADLOCK');
  expect(codeOf(() => two.run(() => {}, { timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  await until(() => one.stats().waiting.length === 1);
  finish();
  expect(await running).toBe(true);
  expect(await waiting).toBe(false);
  expect(two.run(() => expect.unreachable())).toBe(false);
  expect(one.stats()).toEqual({ state: 'done', waiting: [] });
});

test('what throws was not done, and the next one does it', async () => {
  const { one, two } = onces();
  const failing = one.runAsync(async () => Promise.reject(new Error('no luck')));
  const waiting = two.runAsync((found) => expect(found).toBe('clean'));
  await expect(failing).rejects.toThrow('no luck');
  expect(await waiting).toBe(true);
});

test('what a thread died of doing is done again, by one who is told', async () => {
  const { one, two } = onces();
  void one.runAsync(async () => new Promise(() => {}));
  const found: string[] = [];
  const waiting = two.runAsync((outcome) => void found.push(outcome));
  await until(() => two.stats().waiting.length === 1);
  two.reclaim(ONE);
  two.reclaim(ONE);
  expect(await waiting).toBe(true);
  expect(found).toEqual(['abandoned']);
  two.reclaim(ONE);
  expect(two.done).toBe(true);
});

test('threads run once, count down and pass', async () => {
  const at = { once: 0, latch: Once.WORDS, event: Once.WORDS + Latch.WORDS };
  const words = sharedWords(at.event + ManualResetEvent.WORDS);
  const counter = sharedWords(1);
  const threads = [2, 3, 4, 5];
  Latch.init(words, at.latch, threads.length);
  const results = threads.map(async (thread) =>
    runJob<{ ran: boolean; seen: number }>('pass', { words, at, counter, thread }),
  );
  const event = new ManualResetEvent(words, at.event, ONE);
  await new Latch(words, at.latch, ONE).waitAsync();
  event.set();
  const passed = await Promise.all(results);
  expect(passed.filter(({ ran }) => ran).length).toBe(1);
  expect(passed.map(({ seen }) => seen)).toEqual([1, 1, 1, 1]);
});

test('a reclaim of what is no thread is refused by all structures', () => {
  const words = sharedWords(
    Math.max(Semaphore.words(), RwLock.words(), Condition.words(), Barrier.WORDS),
  );
  const structures = [Mutex, Semaphore, Condition, RwLock, Barrier, Latch, Once, ManualResetEvent];
  for (const Structure of structures) {
    const structure = new Structure(words, 0, ONE);
    for (const thread of [0, 128, 1.5, -1]) {
      expect(codeOf(() => structure.reclaim(thread as ThreadId))).toBe('ERR_INVALID_ARG');
    }
    expect(words.every((word) => word === 0)).toBe(true);
  }
});
