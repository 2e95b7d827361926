/**
 * The async forms, with another thread acting between any two of their steps. None has a time limit: a task
 * whose wake-up is lost waits until its test fails.
 */
import {
  Barrier,
  Condition,
  ManualResetEvent,
  Mutex,
  RwLock,
  Semaphore,
  type ThreadId,
} from '@millrace/core';
import { expect, test } from 'vitest';
import { atEveryGap, watched } from './sync-gaps.ts';
import { sharedWords } from './threads.ts';

const ONE = 1 as ThreadId;
const TWO = 2 as ThreadId;
const THREE = 3 as ThreadId;

test('a mutex that is given back while a task comes for it is taken by it', async () => {
  const gaps = await atEveryGap(async (interrupt) => {
    const words = sharedWords(Mutex.WORDS);
    const [one, two] = [new Mutex(words, 0, ONE), new Mutex(words, 0, TWO)];
    one.lock();
    expect(
      await interrupt(
        () => two.lockAsync(),
        () => one.unlock(),
      ),
    ).toBe('clean');
    expect(one.stats()).toMatchObject({ holder: 2, listening: [] });
  });
  expect(gaps).toBeGreaterThan(5);
});

test('a task that comes while a mutex is given back takes it', async () => {
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(Mutex.WORDS);
    const [one, two, three] = [ONE, TWO, THREE].map((thread) => new Mutex(words, 0, thread));
    one!.lock();
    const first = two!.lockAsync().then(() => two!.unlock());
    let second: Promise<unknown> | undefined;
    interrupt(
      () => one!.unlock(),
      () => void (second = three!.lockAsync().then(() => three!.unlock())),
    );
    await Promise.all([first, second]);
    expect(one!.stats()).toMatchObject({ holder: undefined, listening: [] });
  });
});

test('a bell that rings just before a task listens has changed by then', async () => {
  const words = sharedWords(Mutex.WORDS);
  const [one, two] = [new Mutex(words, 0, ONE), new Mutex(words, 0, TWO)];
  one.lock();
  const { waitAsync, notify } = Atomics;
  let locked: Promise<unknown> | undefined;
  // The task is about to listen when the other thread unlocks, and listens right after it was rung for.
  Object.assign(Atomics, {
    waitAsync: (...args: Parameters<typeof waitAsync>) => {
      let listening: unknown;
      Object.assign(Atomics, {
        waitAsync,
        notify: (...rung: Parameters<typeof notify>) => {
          Object.assign(Atomics, { notify });
          const woken = notify(...rung);
          listening = waitAsync(...args);
          return woken;
        },
      });
      one.unlock();
      return listening;
    },
  });
  try {
    locked = two.lockAsync();
  } finally {
    Object.assign(Atomics, { waitAsync, notify });
  }
  expect(await locked).toBe('clean');
});

test('permits that come back while a task asks for them go to it', async () => {
  const gaps = await atEveryGap(async (interrupt) => {
    const words = sharedWords(Semaphore.words(3));
    Semaphore.init(words, 0, { total: 2 });
    const [one, two, three] = [ONE, TWO, THREE].map((thread) => new Semaphore(words, 0, thread));
    one!.acquire(2);
    const first = interrupt(
      () => two!.acquireAsync(2),
      () => one!.release(2),
    );
    const second = three!.acquireAsync(1);
    await first;
    two!.release(2);
    await second;
    expect(one!.stats()).toMatchObject({ free: 1, held: [{ thread: 3, weight: 1 }], waiting: [] });
  });
  expect(gaps).toBeGreaterThan(8);
});

test('a task that asks while permits come back gets them, whoever decides', async () => {
  const gaps = await atEveryGap(async (interrupt) => {
    const words = sharedWords(Semaphore.words(3));
    Semaphore.init(words, 0, { total: 2 });
    const [one, two, three] = [ONE, TWO, THREE].map((thread) => new Semaphore(words, 0, thread));
    one!.acquire(2);
    const first = two!.acquireAsync(2);
    let second: Promise<void> | undefined;
    interrupt(
      () => one!.release(2),
      () => void (second = three!.acquireAsync(1)),
    );
    await first;
    two!.release(2);
    await second;
    three!.release();
    expect(one!.stats()).toMatchObject({ free: 2, held: [], waiting: [] });
  });
  expect(gaps).toBeGreaterThan(15);
});

test('those who come while permits are handed out are served in the order in which they came', async () => {
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(Semaphore.words(5));
    Semaphore.init(words, 0, { total: 2 });
    const [one, two, five] = [1, 2, 5].map((id) => new Semaphore(words, 0, id as ThreadId));
    one!.acquire(2);
    const tasks = [two!.acquireAsync()];
    interrupt(
      () => one!.release(2),
      // The look may be past the first newcomer's place, and not yet at that of the second.
      () => void tasks.push(five!.acquireAsync(), two!.acquireAsync()),
    );
    expect(one!.stats()).toMatchObject({
      held: [
        { thread: 2, weight: 1 },
        { thread: 5, weight: 1 },
      ],
      waiting: [{ thread: 2, weight: 1 }],
    });
    await Promise.all(tasks.slice(0, 2));
    five!.release();
    await tasks[2];
    two!.release(2);
    expect(one!.stats()).toMatchObject({ free: 2, held: [], waiting: [] });
  });
});

test('a notification while a task begins to wait, once it has let go of the mutex, reaches it', async () => {
  let reached = 0;
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(Mutex.WORDS + Condition.words(2));
    const [mutex, otherMutex] = [new Mutex(words, 0, ONE), new Mutex(words, 0, TWO)];
    const condition = new Condition(words, Mutex.WORDS, ONE);
    const other = new Condition(words, Mutex.WORDS, TWO);
    mutex.lock();
    let notified = false;
    const tell = (): void => {
      if (otherMutex.tryLock() === undefined) return;
      notified = other.notifyOne();
      otherMutex.unlock();
      expect(notified).toBe(true);
      reached++;
    };
    const woken = interrupt(() => condition.waitAsync(mutex), tell);
    if (!notified) tell();
    expect(await woken).toBe('clean');
    mutex.unlock();
  });
  expect(reached).toBeGreaterThan(5);
});

test('a writer that leaves while a task comes to read lets it in, and the other way round', async () => {
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(RwLock.words(2));
    const [one, two] = [new RwLock(words, 0, ONE), new RwLock(words, 0, TWO)];
    one.writeLock();
    const read = interrupt(
      () => two.readLockAsync(),
      () => one.writeUnlock(),
    );
    expect(await read).toBe('clean');
    expect(one.stats()).toMatchObject({ writer: undefined, readers: [{ thread: 2, count: 1 }] });
  });
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(RwLock.words(2));
    const [one, two] = [new RwLock(words, 0, ONE), new RwLock(words, 0, TWO)];
    one.writeLock();
    let read: Promise<unknown> | undefined;
    interrupt(
      () => one.writeUnlock(),
      () => void (read = two.readLockAsync()),
    );
    expect(await read).toBe('clean');
  });
});

test('a reader that leaves while a task comes to write lets it in', async () => {
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(RwLock.words(2));
    const [one, two] = [new RwLock(words, 0, ONE), new RwLock(words, 0, TWO)];
    one.readLock();
    const write = interrupt(
      () => two.writeLockAsync(),
      () => one.readUnlock(),
    );
    expect(await write).toBe('clean');
  });
});

test('an event that is set and reset while a task begins to wait for it is seen by it', async () => {
  let gap = 0;
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(ManualResetEvent.WORDS);
    const one = new ManualResetEvent(words, 0, ONE);
    const two = new ManualResetEvent(words, 0, TWO);
    const seen = interrupt(
      () => two.waitAsync(),
      () => {
        one.set();
        one.reset();
      },
    );
    // The first gap is before the call has looked at the event: it waits for the next time.
    if (gap++ === 0) one.set();
    await seen;
    expect(one.stats().waiting).toEqual([]);
  });
});

test('the last to arrive at a barrier takes those along who arrive at the same time', async () => {
  await atEveryGap(async (interrupt) => {
    const words = sharedWords(Barrier.WORDS);
    Barrier.init(words, 0, 3);
    const [one, two, three] = [ONE, TWO, THREE].map((thread) => new Barrier(words, 0, thread));
    const first = one!.waitAsync();
    let third: ReturnType<Barrier['waitAsync']> | undefined;
    const second = interrupt(
      () => two!.waitAsync(),
      () => void (third = three!.waitAsync()),
    );
    const passes = await Promise.all([first, second, third]);
    expect(passes.filter((pass) => pass?.leader).length).toBe(1);
  });
});

test('the gaps are found, and each is tried', async () => {
  const operations: string[] = [];
  const mutex = new Mutex(sharedWords(Mutex.WORDS), 0, ONE);
  watched(
    () => mutex.lock(),
    (name) => operations.push(name),
  );
  expect(operations).toEqual(['compareExchange']);
});
