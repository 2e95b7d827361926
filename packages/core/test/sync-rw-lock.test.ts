/** The readers-writer lock: who is let in when, phases, giving up, and the dead. */
import { RwLock, type ThreadId } from '@millrace/core';
import { expect, test } from 'vitest';
import { codeOfRejection, runJob, until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

const HIGHEST = 9;

function views(): { words: Int32Array; as: (thread: number) => RwLock } {
  const words = sharedWords(RwLock.words(HIGHEST));
  const made = new Map<number, RwLock>();
  return {
    words,
    as(thread) {
      let view = made.get(thread);
      if (!view) made.set(thread, (view = new RwLock(words, 0, thread as ThreadId)));
      return view;
    },
  };
}

const UNUSED = {
  writer: undefined,
  abandoned: false,
  readers: [],
  waitingReaders: [],
  waitingWriters: [],
};

test('many read at a time, or one writes', () => {
  const { as } = views();
  expect(as(1).readLock()).toBe('clean');
  expect(as(2).readLock()).toBe('clean');
  expect(as(2).tryReadLock()).toBe('clean');
  expect(as(3).tryWriteLock()).toBeUndefined();
  expect(as(3).stats().readers).toEqual([
    { thread: 1, count: 1 },
    { thread: 2, count: 2 },
  ]);
  as(1).readUnlock();
  as(2).readUnlock();
  as(2).readUnlock();
  expect(as(3).tryWriteLock()).toBe('clean');
  expect(as(1).tryReadLock()).toBeUndefined();
  expect(as(1).tryWriteLock()).toBeUndefined();
  expect(as(1).stats()).toMatchObject({ writer: 3, readers: [] });
  as(3).writeUnlock();
  expect(as(1).stats()).toEqual(UNUSED);
});

test('only who holds it can unlock it', () => {
  const { as } = views();
  expect(codeOf(() => as(1).readUnlock())).toBe('ERR_NOT_HELD');
  expect(codeOf(() => as(1).writeUnlock())).toBe('ERR_NOT_HELD');
  as(1).readLock();
  expect(codeOf(() => as(1).writeUnlock())).toBe('ERR_NOT_HELD');
  expect(codeOf(() => as(2).readUnlock())).toBe('ERR_NOT_HELD');
});

test('a thread that would wait for itself is told so', () => {
  const { as } = views();
  as(1).writeLock();
  expect(codeOf(() => as(1).readLock())).toBe('ERR_DEADLOCK');
  expect(codeOf(() => as(1).writeLock())).toBe('ERR_DEADLOCK');
  as(1).writeUnlock();
  as(1).readLock();
  expect(codeOf(() => as(1).writeLock())).toBe('ERR_DEADLOCK');
  as(1).readUnlock();
  expect(as(1).stats()).toEqual(UNUSED);
});

test('a waiting writer keeps new readers out, but not threads that read already', async () => {
  const { as } = views();
  as(1).readLock();
  const writing = as(2).writeLockAsync();
  await until(() => as(1).stats().writer === 2);
  expect(as(3).tryReadLock()).toBeUndefined();
  expect(codeOf(() => as(3).readLock({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(as(1).readLock()).toBe('clean');
  as(1).readUnlock();
  as(1).readUnlock();
  expect(await writing).toBe('clean');
  as(2).writeUnlock();
});

test('a writer that leaves admits all who wait to read before the next writer', async () => {
  const { as } = views();
  as(1).writeLock();
  const events: string[] = [];
  const nextWriter = as(2)
    .writeLockAsync()
    .then(() => events.push('write'));
  const readers = [3, 4, 4, 4].map(async (thread) => {
    await as(thread).readLockAsync();
    events.push('read');
    // They all read at the same time: none leaves before the last one is in.
    await until(() => events.length >= 4);
    as(thread).readUnlock();
  });
  expect(as(1).stats().waitingReaders).toEqual([3, 4]);
  as(1).writeUnlock();
  await Promise.all(readers);
  await nextWriter;
  expect(events).toEqual(['read', 'read', 'read', 'read', 'write']);
  as(2).writeUnlock();
  expect(as(1).stats()).toEqual(UNUSED);
});

test('readers and writers that come all the time both get on', async () => {
  const { as } = views();
  const counts = { reads: 0, writes: 0 };
  let inside = 0;
  const reader = async (thread: number): Promise<void> => {
    while (counts.writes < 50) {
      await as(thread).readLockAsync();
      inside++;
      expect(inside).toBeGreaterThan(0);
      counts.reads++;
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      as(thread).readUnlock();
    }
  };
  const writer = async (thread: number): Promise<void> => {
    while (counts.reads < 200 || counts.writes < 50) {
      await as(thread).writeLockAsync();
      expect(inside).toBe(0);
      inside = -1000;
      counts.writes++;
      await new Promise((resolve) => setImmediate(resolve));
      inside = 0;
      as(thread).writeUnlock();
    }
  };
  await Promise.all([reader(1), reader(1), reader(2), reader(3), writer(4), writer(5)]);
  expect(as(1).stats()).toEqual(UNUSED);
});

test('who gives up leaves nothing behind, and lets in those who waited for it', async () => {
  const { as } = views();
  as(1).readLock();
  const controller = new AbortController();
  const writing = as(2).writeLockAsync({ signal: controller.signal });
  await until(() => as(1).stats().writer === 2);
  const reading = as(3).readLockAsync();
  expect(as(1).stats()).toMatchObject({ writer: 2, waitingReaders: [3] });
  controller.abort();
  expect(await codeOfRejection(writing)).toBe('ERR_ABORTED');
  expect(await reading).toBe('clean');
  as(3).readUnlock();
  expect(codeOf(() => as(2).writeLock({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(as(1).stats()).toMatchObject({ writer: undefined, waitingWriters: [] });
  as(1).readUnlock();
});

test('a task that gives up asking lets the next one ask, or stops asking', async () => {
  const { as } = views();
  as(1).writeLock();
  const first = as(2).readLockAsync({ timeoutMs: 1 });
  const second = as(2).readLockAsync();
  expect(await codeOfRejection(first)).toBe('ERR_TIMEOUT');
  expect(as(1).stats().waitingReaders).toEqual([2]);
  as(1).writeUnlock();
  expect(await second).toBe('clean');
  as(2).readUnlock();

  as(1).writeLock();
  expect(await codeOfRejection(as(2).readLockAsync({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  expect(as(1).stats().waitingReaders).toEqual([]);
  as(1).writeUnlock();
});

test('a task that is admitted in the moment in which it is aborted does not read', async () => {
  const { as } = views();
  for (let round = 0; round < 20; round++) {
    as(1).writeLock();
    const controller = new AbortController();
    const late = as(2).readLockAsync({ signal: controller.signal });
    as(1).writeUnlock();
    expect(as(1).stats().readers).toEqual([{ thread: 2, count: 1 }]);
    controller.abort();
    expect(await codeOfRejection(late)).toBe('ERR_ABORTED');
    expect(as(1).stats()).toEqual(UNUSED);
  }
});

test('a thread that writes takes an answer back that its own task does not know of yet', async () => {
  const { as } = views();
  as(1).writeLock();
  const reading = as(2).readLockAsync();
  as(1).writeUnlock();
  expect(as(1).stats().readers).toEqual([{ thread: 2, count: 1 }]);
  expect(as(2).writeLock({ timeoutMs: 1000 })).toBe('clean');
  as(2).writeUnlock();
  expect(await reading).toBe('clean');
  as(2).readUnlock();
  expect(as(1).stats()).toEqual(UNUSED);
});

test('all are told of a writer that died, until one who was told has unlocked', async () => {
  const { as } = views();
  as(1).writeLock();
  const reading = as(2).readLockAsync();
  as(9).reclaim(1 as ThreadId);
  as(9).reclaim(1 as ThreadId);
  expect(await reading).toBe('abandoned');
  expect(as(3).readLock()).toBe('abandoned');
  expect(codeOf(() => as(4).writeLock({ timeoutMs: 1 }))).toBe('ERR_TIMEOUT');
  as(2).readUnlock();
  as(3).readUnlock();
  expect(as(4).writeLock()).toBe('abandoned');
  as(4).writeUnlock();
  expect(as(5).writeLock()).toBe('clean');
  as(5).writeUnlock();
  expect(as(2).readLock()).toBe('clean');
});

test('a reader that died no longer keeps writers waiting', async () => {
  const { as } = views();
  as(1).readLock();
  as(1).readLock();
  const writing = as(2).writeLockAsync();
  await until(() => as(1).stats().writer === 2);
  as(9).reclaim(1 as ThreadId);
  as(9).reclaim(100 as ThreadId);
  expect(await writing).toBe('clean');
});

test('blocks of code can own it', async () => {
  const { as } = views();
  {
    using _one = as(1).holdRead();
    using _two = as(2).holdRead();
    expect(as(3).tryWriteLock()).toBeUndefined();
  }
  {
    using _hold = as(1).holdWrite();
    expect(as(2).tryReadLock()).toBeUndefined();
  }
  (await as(1).holdWriteAsync()).release();
  (await as(1).holdReadAsync()).release();
  expect(as(1).stats()).toEqual(UNUSED);
});

test('threads that read never see what another is in the middle of writing', async () => {
  const { words, as } = views();
  const pair = sharedWords(128);
  const orders = { words, pair, times: 12_000 };
  const torn = await Promise.all([
    runJob<number>('readAndWrite', { ...orders, thread: 1, writes: 2 }),
    runJob<number>('readAndWrite', { ...orders, thread: 2, writes: 5 }),
    runJob<number>('readAndWrite', { ...orders, thread: 3, writes: 50 }),
    runJob<number>('readAndWrite', { ...orders, thread: 4, writes: 50 }),
  ]);
  expect(torn).toEqual([0, 0, 0, 0]);
  const writes = 12_000 / 2 + 12_000 / 5 + (2 * 12_000) / 50;
  expect([pair[0], pair[64]]).toEqual([writes, writes]);
  expect(as(9).stats()).toEqual(UNUSED);
});
