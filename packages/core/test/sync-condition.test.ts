/** The condition: who is woken, in which order, and that no notification is lost or doubled. */
import { Condition, Mutex, type ThreadId } from '@millrace/core';
import { expect, test } from 'vitest';
import { codeOfRejection, runJob, until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

const CONDITION = Mutex.WORDS;
const HIGHEST = 9;

interface View {
  readonly mutex: Mutex;
  readonly condition: Condition;
}

function views(): { words: Int32Array; as: (thread: number) => View } {
  const words = sharedWords(CONDITION + Condition.words(HIGHEST));
  const made = new Map<number, View>();
  return {
    words,
    as(thread) {
      let view = made.get(thread);
      if (!view) {
        const mutex = new Mutex(words, 0, thread as ThreadId);
        const condition = new Condition(words, CONDITION, thread as ThreadId);
        made.set(thread, (view = { mutex, condition }));
      }
      return view;
    },
  };
}

test('only who holds the mutex may wait, and holds it again after it, whatever came of it', async () => {
  const { as } = views();
  const { mutex, condition } = as(1);
  expect(codeOf(() => condition.wait(mutex))).toBe('ERR_NOT_HELD');
  expect(await codeOfRejection(condition.waitAsync(mutex))).toBe('ERR_NOT_HELD');
  mutex.lock();
  expect(codeOf(() => condition.wait(mutex, { timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(mutex.held).toBe(true);
  expect(await codeOfRejection(condition.waitAsync(mutex, { timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(mutex.held).toBe(true);
  expect(condition.stats()).toEqual({ waiting: [] });
});

test('a notification with nobody there is not kept for later', () => {
  const { as } = views();
  const { mutex, condition } = as(1);
  expect(condition.notifyOne()).toBe(false);
  expect(condition.notifyAll()).toBe(0);
  mutex.lock();
  expect(codeOf(() => condition.wait(mutex, { timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
});

test('each notification wakes the one who has waited longest, and nobody else', async () => {
  const { as } = views();
  const woken: number[] = [];
  const waits: Promise<void>[] = [];
  for (const thread of [3, 1, 2]) {
    const { mutex, condition } = as(thread);
    await mutex.lockAsync();
    waits.push(
      condition.waitAsync(mutex).then(() => {
        woken.push(thread);
        mutex.unlock();
      }),
    );
  }
  const { mutex, condition } = as(4);
  expect(condition.stats().waiting).toEqual([3, 1, 2]);
  for (let n = 1; n <= 3; n++) {
    await mutex.lockAsync();
    expect(condition.notifyOne()).toBe(true);
    mutex.unlock();
    await waits[n - 1];
    expect(woken.length).toBe(n);
  }
  expect(woken).toEqual([3, 1, 2]);
  expect(condition.notifyOne()).toBe(false);
});

test('a notification that reaches a task as it is aborted goes to the next one', async () => {
  const { as } = views();
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController();
    const [first, second, teller] = [as(1), as(2), as(3)];
    await first.mutex.lockAsync();
    const aborted = first.condition.waitAsync(first.mutex, { signal: controller.signal });
    await second.mutex.lockAsync();
    const patient = second.condition.waitAsync(second.mutex);
    await teller.mutex.lockAsync();
    expect(teller.condition.notifyOne()).toBe(true);
    controller.abort();
    teller.mutex.unlock();
    expect(await codeOfRejection(aborted)).toBe('ERR_ABORTED');
    first.mutex.unlock();
    expect(await patient).toBe('clean');
    second.mutex.unlock();
  }
});

test('a thread has room for six waiting tasks, and says so to the seventh', async () => {
  const { as } = views();
  const { mutex, condition } = as(1);
  const waits: Promise<unknown>[] = [];
  for (let n = 0; n < 6; n++) {
    await mutex.lockAsync();
    waits.push(condition.waitAsync(mutex).then(() => mutex.unlock()));
  }
  await mutex.lockAsync();
  expect(await codeOfRejection(condition.waitAsync(mutex))).toBe('ERR_TOO_MANY_WAITERS');
  expect(mutex.held).toBe(true);
  expect(condition.notifyAll()).toBe(6);
  mutex.unlock();
  await Promise.all(waits);
});

test('when a thread dies, all who wait look for themselves', async () => {
  const { as } = views();
  const [dead, waiting] = [as(1), as(2)];
  dead.mutex.lock();
  void dead.condition.waitAsync(dead.mutex);
  await waiting.mutex.lockAsync();
  const woken = waiting.condition.waitAsync(waiting.mutex);
  as(3).condition.reclaim(1 as ThreadId);
  as(3).mutex.reclaim(1 as ThreadId);
  expect(await woken).toBe('clean');
  expect(as(3).condition.stats()).toEqual({ waiting: [] });
});

test('who waits is told that the mutex came from the dead', async () => {
  const { as } = views();
  const [waiting, dead] = [as(1), as(2)];
  waiting.mutex.lock();
  let ready = false;
  const woken = waiting.condition.waitForAsync(waiting.mutex, () => ready);
  await dead.mutex.lockAsync();
  ready = true;
  dead.condition.notifyOne();
  as(3).condition.reclaim(2 as ThreadId);
  as(3).mutex.reclaim(2 as ThreadId);
  expect(await woken).toBe('abandoned');
  expect(waiting.mutex.abandoned).toBe(true);
});

test('every item that is handed over is taken by one thread, and the last one ends them all', async () => {
  const { words, as } = views();
  const box = sharedWords(1);
  const orders = { words, condition: CONDITION, box };
  const takers = [2, 3, 4].map(async (thread) => runJob<number>('take', { ...orders, thread }));
  const { mutex, condition } = as(1);
  await until(() => condition.stats().waiting.length === 3);
  const items = 3_000;
  for (let n = 0; n < items; n++) {
    await mutex.lockAsync();
    box[0] = box[0]! + 1;
    condition.notifyOne();
    mutex.unlock();
  }
  await until(() => Atomics.load(box, 0) === 0);
  await mutex.lockAsync();
  box[0] = -1;
  condition.notifyAll();
  mutex.unlock();
  const taken = await Promise.all(takers);
  expect(taken.reduce((sum, count) => sum + count, 0)).toBe(items);
});
