/** Threads that are killed while they use all structures: whatever they were at, nothing is lost. */
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
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startThread } from './sync-threads.ts';
import { resultOf, sharedWords } from './threads.ts';

const HIGHEST = 7;
const SWEEPER = 1 as ThreadId;
const SURVIVORS = [2, 3];
/** Threads of the first two block; the third one's tasks wait without blocking it. */
const LANES = [4, 5, 6];
const KILLS_PER_LANE = 40;
const TOTAL = 5;
const ONCES = 200;
const LINE = 32;

const at = {
  mutex: 0,
  boxMutex: LINE,
  event: 2 * LINE,
  barrier: 3 * LINE,
  semaphore: 3 * LINE + Barrier.WORDS,
  rwLock: 3 * LINE + Barrier.WORDS + Semaphore.words(HIGHEST),
  condition: 3 * LINE + Barrier.WORDS + Semaphore.words(HIGHEST) + RwLock.words(HIGHEST),
  onces: 0,
  begun: 0,
  // These lie in a memory of their own: the plain words that the structures guard.
  guarded: 0,
  written: 64,
  box: 128,
  marks: 160,
  faults: 192,
  abandoned: 199,
  next: 200,
};
at.onces = at.condition + Condition.words(HIGHEST);
at.begun = at.onces + ONCES * LINE;

interface Tally {
  rounds: number;
  timeouts: number;
}

test(
  `${LANES.length * KILLS_PER_LANE} threads are killed, and no lock, permit, place or wake-up is lost`,
  { timeout: 120_000 },
  async () => {
    const words = sharedWords(at.begun + LANES.length * LINE);
    const data = sharedWords(at.next + 1 + ONCES);
    const stop = sharedWords(1);
    Semaphore.init(words, at.semaphore, { total: TOTAL });
    Barrier.init(words, at.barrier, 2);
    const structures = {
      mutex: new Mutex(words, at.mutex, SWEEPER),
      boxMutex: new Mutex(words, at.boxMutex, SWEEPER),
      event: new ManualResetEvent(words, at.event, SWEEPER),
      barrier: new Barrier(words, at.barrier, SWEEPER),
      semaphore: new Semaphore(words, at.semaphore, SWEEPER),
      rwLock: new RwLock(words, at.rwLock, SWEEPER),
      condition: new Condition(words, at.condition, SWEEPER),
    };
    const onces = Array.from(
      { length: ONCES },
      (_, n) => new Once(words, at.onces + n * Once.WORDS, SWEEPER),
    );
    const orders = { words, at, data, stop, total: TOTAL, onces: ONCES, beginAt: -1, tasks: 0 };

    const found = { locks: 0, permits: 0, waits: 0 };
    const bury = (thread: ThreadId): void => {
      const { mutex, boxMutex, semaphore, rwLock, condition } = structures;
      const of = (list: { thread: number }[]): number =>
        list.filter((item) => item.thread === thread).length;
      const reads = rwLock.stats();
      for (const { holder, sleeping, listening } of [mutex.stats(), boxMutex.stats()]) {
        if (holder === thread) found.locks++;
        if ([...sleeping, ...listening].includes(thread)) found.waits++;
      }
      if (reads.writer === thread) found.locks++;
      found.locks += of([...reads.readers]);
      found.permits += of(semaphore.stats().held);
      found.waits += of(semaphore.stats().waiting);
      for (const ids of [reads.waitingReaders, reads.waitingWriters, condition.stats().waiting]) {
        if (ids.includes(thread)) found.waits++;
      }
      Atomics.store(data, at.marks + thread, 0);
      for (const structure of Object.values(structures)) structure.reclaim(thread);
      for (const each of onces) each.reclaim(thread);
    };
    const killOne = async (lane: number, kill: number): Promise<void> => {
      const thread = LANES[lane]! as ThreadId;
      const begun = at.begun + lane * LINE;
      words.fill(0, begun, begun + LINE);
      Latch.init(words, begun, 1);
      const seed = 7907 * (lane * KILLS_PER_LANE + kill + 1);
      const worker = startThread('churn', {
        ...orders,
        thread,
        begun,
        seed,
        beginAt: 1 + (seed % (lane === 2 ? 40 : 800)),
        tasks: lane === 2 ? 8 : 0,
      });
      const ended = resultOf(worker);
      // Rejects when the thread fails by itself.
      await Promise.race([new Latch(words, begun, SWEEPER).waitAsync(), ended]);
      ended.catch(() => undefined);
      const exited = once(worker, 'exit');
      await worker.terminate();
      await exited;
      bury(thread);
    };

    const survivors = SURVIVORS.map(async (thread) => {
      const worker = startThread('churn', { ...orders, thread, begun: 0, seed: thread * 99 });
      return resultOf(worker) as Promise<Tally>;
    });
    await Promise.all(
      LANES.map(async (_, lane) => {
        for (let kill = 0; kill < KILLS_PER_LANE; kill++) await killOne(lane, kill);
      }),
    );
    Atomics.store(stop, 0, 1);
    const tallies = await Promise.all(survivors);

    // Faults of the mutex, the semaphore, writers, readers and once, as any thread has seen them.
    expect([...data.subarray(at.faults, at.faults + 5)]).toEqual([0, 0, 0, 0, 0]);
    for (const { rounds } of tallies) expect(rounds).toBeGreaterThan(1_000);
    const unheld = { holder: undefined, sleeping: [], listening: [] };
    expect(structures.mutex.stats()).toMatchObject(unheld);
    expect(structures.boxMutex.stats()).toMatchObject(unheld);
    expect(structures.semaphore.stats()).toMatchObject({ free: TOTAL, held: [], waiting: [] });
    expect(structures.semaphore.tryAcquire(TOTAL)).toBe(true);
    expect(structures.rwLock.stats()).toMatchObject({
      writer: undefined,
      readers: [],
      waitingReaders: [],
      waitingWriters: [],
    });
    expect(structures.rwLock.tryWriteLock()).toBeDefined();
    expect(structures.condition.stats()).toEqual({ waiting: [] });
    expect(structures.barrier.stats()).toMatchObject({ waiting: [] });
    expect(structures.event.stats()).toMatchObject({ waiting: [] });
    for (const each of onces) expect(each.stats().state).not.toBe('running');
    // They died with something in their hands, or in line for it.
    expect(found.locks).toBeGreaterThan(10);
    expect(found.permits).toBeGreaterThan(5);
    expect(found.waits).toBeGreaterThan(5);
    expect(data[at.abandoned]).toBeGreaterThan(0);
  },
);
