/** Locks and permits against plain models of them: tasks of several threads take, wait, give up, give back and die. */
import { Mutex, RwLock, Semaphore, type LockOutcome, type ThreadId } from '@millrace/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Wait, abortAll, oneTurn } from './sync-waits.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

const RUNS = 1000;
const THREADS = [1, 2, 3] as ThreadId[];
const thread = fc.constantFrom(...THREADS);

/** An object for each thread, on the same words; a new one for the heir of an id. */
function perThread<T>(make: (thread: ThreadId) => T): Map<ThreadId, T> {
  return new Map(THREADS.map((each) => [each, make(each)]));
}

test('a mutex has one holder, who is told of a death before, and everybody gets it in the end', async () => {
  const step = fc.record({
    action: fc.constantFrom('tryLock', 'lock', 'lock', 'unlock', 'unlock', 'abort', 'die'),
    thread,
    which: fc.nat(5),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const words = sharedWords(Mutex.WORDS);
      const mutexes = perThread((each) => new Mutex(words, 0, each));
      let holder: ThreadId | undefined;
      let abandoned = false;
      /** In the order in which they came; those of one thread are served so. */
      let waiting: { thread: ThreadId; wait: Wait<LockOutcome> }[] = [];

      const handOver = async (): Promise<void> => {
        holder = undefined;
        const first = THREADS.flatMap(
          (each) => waiting.find((waiter) => waiter.thread === each) ?? [],
        );
        if (first.length === 0) return;
        await Promise.race(first.map(({ wait }) => wait.ended));
        const got = waiting.filter(({ wait }) => wait.outcome !== undefined);
        expect(got).toEqual([expect.objectContaining({ thread: got[0]!.thread })]);
        expect(first).toContain(got[0]);
        expect(got[0]!.wait.outcome).toEqual({ value: abandoned ? 'abandoned' : 'clean' });
        holder = got[0]!.thread;
        waiting = waiting.filter((waiter) => waiter !== got[0]);
      };

      for (const { action, thread: me, which } of steps) {
        const mutex = mutexes.get(me)!;
        if (action === 'tryLock') {
          const outcome = holder === undefined ? (abandoned ? 'abandoned' : 'clean') : undefined;
          expect(mutex.tryLock()).toBe(outcome);
          holder ??= me;
        } else if (action === 'lock') {
          waiting.push({ thread: me, wait: new Wait((limits) => mutex.lockAsync(limits)) });
          if (holder === undefined) await handOver();
        } else if (action === 'unlock' && holder !== me) {
          expect(codeOf(() => mutex.unlock())).toBe('ERR_NOT_HELD');
        } else if (action === 'unlock') {
          mutex.unlock();
          abandoned = false;
          await handOver();
        } else if (action === 'abort') {
          const given = waiting[which % Math.max(1, waiting.length)];
          if (given) expect(await given.wait.abort()).toEqual({ code: 'ERR_ABORTED' });
          waiting = waiting.filter((waiter) => waiter !== given);
        } else if (action === 'die' && waiting.every((waiter) => waiter.thread !== me)) {
          mutexes.get(THREADS[me % THREADS.length]!)!.reclaim(me);
          mutexes.set(me, new Mutex(words, 0, me));
          if (holder === me) {
            abandoned = true;
            await handOver();
          }
        }
        expect(mutex.stats()).toMatchObject({ holder, abandoned });
      }
      while (holder !== undefined) {
        mutexes.get(holder)!.unlock();
        abandoned = false;
        await handOver();
      }
      expect(waiting).toEqual([]);
      expect(mutexes.get(THREADS[0]!)!.stats()).toMatchObject({ sleeping: [], listening: [] });
    }),
    { numRuns: RUNS },
  );
});

test('a semaphore lends what is free to those who came first, whoever gives up, resizes or dies', async () => {
  const step = fc.record({
    action: fc.constantFrom('try', 'acquire', 'acquire', 'release', 'abort', 'resize', 'die'),
    thread,
    weight: fc.integer({ min: 1, max: 3 }),
    which: fc.nat(9),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const words = sharedWords(Semaphore.words(THREADS.length));
      let total = 4;
      Semaphore.init(words, 0, { total });
      const semaphores = perThread((each) => new Semaphore(words, 0, each));
      const held = new Map(THREADS.map((each) => [each, 0]));
      const line: { thread: ThreadId; weight: number; wait: Wait<void> }[] = [];
      const free = (): number => total - [...held.values()].reduce((sum, each) => sum + each);
      const take = (me: ThreadId, weight: number): void => {
        held.set(me, held.get(me)! + weight);
      };
      /** Those at the head of the line who fit get theirs, and nobody else does. */
      const serve = async (): Promise<void> => {
        while (line.length > 0 && line[0]!.weight <= free()) {
          const first = line.shift()!;
          take(first.thread, first.weight);
          expect(await first.wait.ended).toEqual({ value: undefined });
        }
      };

      for (const { action, thread: me, weight, which } of steps) {
        const semaphore = semaphores.get(me)!;
        if (action === 'try') {
          const fits = line.length === 0 && weight <= free();
          expect(semaphore.tryAcquire(weight)).toBe(fits);
          if (fits) take(me, weight);
        } else if (action === 'acquire') {
          const wait = new Wait((limits) => semaphore.acquireAsync(weight, limits));
          line.push({ thread: me, weight, wait });
        } else if (action === 'release' && held.get(me)! < weight) {
          expect(codeOf(() => semaphore.release(weight))).toBe('ERR_NOT_HELD');
        } else if (action === 'release') {
          semaphore.release(weight);
          take(me, -weight);
        } else if (action === 'abort' && line.length > 0) {
          const [given] = line.splice(which % line.length, 1);
          expect(await given!.wait.abort()).toEqual({ code: 'ERR_ABORTED' });
        } else if (action === 'resize') {
          total = 3 + (which % 4);
          semaphore.resize(total);
        } else if (action === 'die' && line.every((waiter) => waiter.thread !== me)) {
          semaphores.get(THREADS[me % THREADS.length]!)!.reclaim(me);
          semaphores.set(me, new Semaphore(words, 0, me));
          held.set(me, 0);
        }
        await serve();
        const common = line.filter(
          (waiter, i) =>
            line.slice(0, i).filter((each) => each.thread === waiter.thread).length < 6,
        );
        const stats = semaphore.stats();
        expect([stats.total, stats.free]).toEqual([total, free()]);
        expect(new Map(stats.held.map((each) => [each.thread, each.weight]))).toEqual(
          new Map([...held].filter(([, each]) => each > 0)),
        );
        // More than six of a thread's tasks wait in its own queue, and come into line later.
        if (common.length === line.length) {
          expect(stats.waiting).toEqual(
            line.map((each) => ({ thread: each.thread, weight: each.weight })),
          );
        }
      }
      await oneTurn();
      expect(line.filter(({ wait }) => wait.outcome !== undefined)).toEqual([]);
      await abortAll(line.map(({ wait }) => wait));
      expect(semaphores.get(THREADS[0]!)!.stats()).toMatchObject({ free: free(), waiting: [] });
    }),
    { numRuns: RUNS },
  );
});

test('a lock for readers and writers has many readers or one writer, and remembers one that died', () => {
  const step = fc.record({
    action: fc.constantFrom('read', 'read', 'write', 'readUnlock', 'writeUnlock', 'die'),
    thread,
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const words = sharedWords(RwLock.words(THREADS.length));
      const locks = perThread((each) => new RwLock(words, 0, each));
      const reads = new Map(THREADS.map((each) => [each, 0]));
      let writer: ThreadId | undefined;
      let abandoned = false;
      const readers = (): { thread: ThreadId; count: number }[] =>
        [...reads].flatMap(([each, count]) => (count > 0 ? [{ thread: each, count }] : []));

      for (const { action, thread: me } of steps) {
        const lock = locks.get(me)!;
        const outcome = abandoned ? 'abandoned' : 'clean';
        if (action === 'read') {
          expect(lock.tryReadLock()).toBe(writer === undefined ? outcome : undefined);
          if (writer === undefined) reads.set(me, reads.get(me)! + 1);
        } else if (action === 'write') {
          const free = writer === undefined && readers().length === 0;
          expect(lock.tryWriteLock()).toBe(free ? outcome : undefined);
          if (free) writer = me;
        } else if (action === 'readUnlock') {
          if (reads.get(me) === 0) {
            expect(codeOf(() => lock.readUnlock())).toBe('ERR_NOT_HELD');
          } else {
            lock.readUnlock();
            reads.set(me, reads.get(me)! - 1);
          }
        } else if (action === 'writeUnlock') {
          if (writer !== me) {
            expect(codeOf(() => lock.writeUnlock())).toBe('ERR_NOT_HELD');
          } else {
            lock.writeUnlock();
            writer = undefined;
            abandoned = false;
          }
        } else {
          locks.get(THREADS[me % THREADS.length]!)!.reclaim(me);
          locks.set(me, new RwLock(words, 0, me));
          reads.set(me, 0);
          if (writer === me) [writer, abandoned] = [undefined, true];
        }
        expect(lock.stats()).toMatchObject({ writer, abandoned, readers: readers() });
      }
    }),
    { numRuns: RUNS },
  );
});

test('whoever waits to read or to write gets there, and meets nobody there whom it must not', async () => {
  const task = fc.record({ thread, writes: fc.boolean(), turns: fc.nat(2), aborts: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(task, { maxLength: 8 }), async (tasks) => {
      const words = sharedWords(RwLock.words(THREADS.length));
      const locks = perThread((each) => new RwLock(words, 0, each));
      let [reading, writing] = [0, 0];
      const visits = tasks.map(({ thread: me, writes, turns, aborts }) => {
        const lock = locks.get(me)!;
        const wait = new Wait(async (limits) => {
          if (writes) await lock.writeLockAsync(limits);
          else await lock.readLockAsync(limits);
          const there = writes ? ++writing : ++reading;
          expect(writes ? [there, reading] : writing).toEqual(writes ? [1, 0] : 0);
          for (let turn = 0; turn < turns; turn++) await oneTurn();
          if (writes) writing--;
          else reading--;
          if (writes) lock.writeUnlock();
          else lock.readUnlock();
        });
        return aborts ? wait.abort() : wait.ended;
      });
      for (const [i, outcome] of (await Promise.all(visits)).entries()) {
        const ends = [{ value: undefined }, ...(tasks[i]!.aborts ? [{ code: 'ERR_ABORTED' }] : [])];
        expect(ends).toContainEqual(outcome);
      }
      expect(locks.get(THREADS[0]!)!.stats()).toMatchObject({ writer: undefined, readers: [] });
    }),
    { numRuns: RUNS },
  );
});
