/**
 * The blocking forms under random schedules, with threads that die at any step and sweepers that die
 * too: see sync-schedules.ts. For more schedules set MILLRACE_SCHEDULES, to 100000 for instance.
 */
import {
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  MillraceError,
  Mutex,
  Once,
  RwLock,
  Semaphore,
  type ThreadId,
  Waiter,
} from '@millrace/core';
import { expect, test } from 'vitest';
import { playSchedules, type Play, type Stage } from './sync-schedules.ts';

const SCHEDULES = Number(process.env['MILLRACE_SCHEDULES'] ?? 1000);
const FIRST_SEED = Number(process.env['MILLRACE_SEED'] ?? 1);
const HIGHEST = 10;
const OBSERVER = HIGHEST as ThreadId;
/** A limit that the schedule decides about: it ends a wait whenever it likes. */
const SOMETIME = { timeoutMs: 1e9 };

/** Spinning is but many looks: without it a schedule gets further. Each thread has its own waiter. */
function unspun(): { waiter: Waiter } {
  return { waiter: new Waiter({ mostSpinMs: 0 }) };
}

function memory(words: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(words * 4));
}

/** Whether `action` ended with a timeout. */
function timesOut(action: () => void): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if (error instanceof MillraceError && String(error.code) === 'ERR_TIMEOUT') return true;
    throw error;
  }
}

function ensure(truth: boolean, otherwise: string): void {
  if (!truth) throw new Error(otherwise);
}

function expectUnderSchedules(makePlay: () => Play): void {
  expect(playSchedules(SCHEDULES, makePlay, FIRST_SEED)).toBeGreaterThan(SCHEDULES);
}

/** Who is in a critical section, and whether a dead thread has left it half done. */
class Section {
  #inside = 0;
  #halfDone = false;

  see(thread: number, outcome: string): void {
    ensure(this.#inside === 0, `Thread ${thread} meets thread ${this.#inside}`);
    if (this.#halfDone) ensure(outcome === 'abandoned', `Thread ${thread} is not told`);
  }

  enter(thread: number, outcome: string): void {
    this.see(thread, outcome);
    this.#inside = thread;
    this.#halfDone = true;
  }

  leave(): void {
    this.#inside = 0;
    this.#halfDone = false;
  }

  bury(thread: number): void {
    if (this.#inside === thread) this.#inside = 0;
  }
}

test('a mutex is held by one thread at a time, and comes back from the dead with a word of warning', () => {
  expectUnderSchedules(() => {
    const words = memory(Mutex.WORDS);
    const section = new Section();
    const act = ({ thread, once }: Stage): void => {
      const mutex = new Mutex(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        const limits = (thread + round) % 2 === 0 ? SOMETIME : undefined;
        let outcome = 'none';
        if (timesOut(() => (outcome = mutex.lock(limits)))) continue;
        once(() => section.enter(thread, outcome));
        once(() => section.leave());
        mutex.unlock();
      }
    };
    return {
      words,
      threads: [act, act, act],
      kills: 2,
      reclaim(dead, { thread, once }) {
        once(() => section.bury(dead));
        new Mutex(words, 0, thread).reclaim(dead);
      },
      check() {
        const { holder, sleeping } = new Mutex(words, 0, OBSERVER).stats();
        expect({ holder, sleeping }).toEqual({ holder: undefined, sleeping: [] });
      },
    };
  });
});

test('a semaphore never lends more than it has, and has all of it back at the end', () => {
  expectUnderSchedules(() => {
    const words = memory(Semaphore.words(HIGHEST));
    Semaphore.init(words, 0, { total: 4 });
    const held = new Map<number, number>();
    const act = ({ thread, once }: Stage): void => {
      const semaphore = new Semaphore(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        const weight = 1 + ((thread * 2 + round) % 4);
        const limits = (thread + round) % 2 === 0 ? SOMETIME : undefined;
        if (timesOut(() => semaphore.acquire(weight, limits))) continue;
        once(() => {
          held.set(thread, weight);
          const sum = [...held.values()].reduce((a, b) => a + b, 0);
          ensure(sum <= 4, `${sum} of 4 are held`);
        });
        once(() => held.delete(thread));
        semaphore.release(weight);
      }
    };
    return {
      words,
      threads: [act, act, act],
      kills: 2,
      reclaim(dead, { thread, once }) {
        once(() => held.delete(dead));
        new Semaphore(words, 0, thread, unspun()).reclaim(dead);
      },
      check() {
        const stats = new Semaphore(words, 0, OBSERVER).stats();
        expect(stats).toMatchObject({ free: 4, held: [], waiting: [] });
        expect(new Semaphore(words, 0, OBSERVER).tryAcquire(4)).toBe(true);
      },
    };
  });
});

test('nobody overtakes a thread that stood in line for a semaphore before it came', () => {
  const waitLine = 2 * 32;
  const placeOf = (thread: number): number => waitLine + thread * 32 + 4 + 6 * 4;
  expectUnderSchedules(() => {
    const words = memory(Semaphore.words(HIGHEST));
    Semaphore.init(words, 0, { total: 3 });
    /** By thread: when its call began, and since when it stands in line for all to see. */
    const began = new Map<number, number>();
    const stands = new Map<number, number>();
    let now = 0;
    const served = (thread: number): void => {
      for (const [other, since] of stands) {
        if (other === thread) continue;
        const before = since < began.get(thread)!;
        ensure(!before, `Thread ${thread} overtakes thread ${other}`);
      }
    };
    const act = ({ thread, once }: Stage): void => {
      const semaphore = new Semaphore(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        const weight = 1 + ((thread + round) % 3);
        once(() => began.set(thread, now));
        const limits = thread === 1 ? SOMETIME : undefined;
        if (timesOut(() => semaphore.acquire(weight, limits))) continue;
        semaphore.release(weight);
      }
    };
    return {
      words,
      threads: [act, act, act],
      watch({ thread, name, at, values, result }) {
        now++;
        const mine = placeOf(thread);
        // It sleeps: its request was published, and whoever decides has been told.
        if (name === 'wait' && at === mine && result !== 'not-equal') stands.set(thread, now);
        // The fast way: GRANTED of one's own line, by a thread with nothing in line.
        if (name === 'store' && at === waitLine + thread * 32 + 1 && (words[mine]! & 3) === 0) {
          served(thread);
        }
        if (name !== 'compareExchange' || result !== values[0]) return;
        const owner = (at - placeOf(0)) / 32;
        if (!Number.isInteger(owner) || owner < 1 || owner > 3) return;
        // Somebody is answered, or leaves.
        stands.delete(owner);
        if ((Number(values[1]) & 3) === 2) served(owner);
      },
    };
  });
});

test('a semaphore that is resized and tried meanwhile loses nothing either', () => {
  expectUnderSchedules(() => {
    const words = memory(Semaphore.words(HIGHEST));
    Semaphore.init(words, 0, { total: 2 });
    const acquirer = ({ thread }: Stage): void => {
      const semaphore = new Semaphore(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        semaphore.acquire();
        semaphore.release();
      }
    };
    const trier = ({ thread }: Stage): void => {
      const semaphore = new Semaphore(words, 0, thread, unspun());
      for (let round = 0; round < 3; round++) if (semaphore.tryAcquire()) semaphore.release();
    };
    const resizer = ({ thread }: Stage): void => {
      const semaphore = new Semaphore(words, 0, thread, unspun());
      for (const total of [1, 3]) semaphore.resize(total);
    };
    return {
      words,
      threads: [acquirer, acquirer, trier, resizer],
      kills: 1,
      reclaim: (dead, { thread }) => new Semaphore(words, 0, thread, unspun()).reclaim(dead),
      check(dead) {
        const semaphore = new Semaphore(words, 0, OBSERVER);
        if (!dead.includes(4 as ThreadId)) expect(semaphore.stats().total).toBe(3);
        expect(semaphore.stats()).toMatchObject({ free: semaphore.stats().total, waiting: [] });
        expect(semaphore.tryAcquire(semaphore.stats().total)).toBe(true);
      },
    };
  });
});

test('each notification of a condition reaches somebody, though some waiters give up and some die', () => {
  expectUnderSchedules(() => {
    const condition = Mutex.WORDS;
    const words = memory(condition + Condition.words(HIGHEST));
    let items = 0;
    const producer = ({ thread, once }: Stage): void => {
      const mutex = new Mutex(words, 0, thread, unspun());
      const filled = new Condition(words, condition, thread, unspun());
      for (let round = 0; round < 3; round++) {
        mutex.lock();
        once(() => items++);
        filled.notifyOne();
        mutex.unlock();
      }
    };
    const consumer = ({ thread, once }: Stage): void => {
      const mutex = new Mutex(words, 0, thread, unspun());
      const filled = new Condition(words, condition, thread, unspun());
      mutex.lock();
      const limits = thread === 2 ? SOMETIME : undefined;
      const gaveUp = timesOut(() => filled.waitFor(mutex, () => once(() => items > 0), limits));
      if (!gaveUp) once(() => ensure(--items >= 0, 'An item is taken twice'));
      mutex.unlock();
    };
    return {
      words,
      threads: [consumer, consumer, consumer, producer],
      kills: 2,
      reclaim(dead, stage) {
        new Mutex(words, 0, stage.thread).reclaim(dead);
        new Condition(words, condition, stage.thread).reclaim(dead);
        // The producer's work is done by the one who buries it.
        if (dead === 4) producer(stage);
      },
      check() {
        expect(new Condition(words, condition, OBSERVER).stats()).toEqual({ waiting: [] });
      },
    };
  });
});

test('a rw-lock keeps writers alone, and readers from seeing what a dead writer has left', () => {
  expectUnderSchedules(() => {
    const words = memory(RwLock.words(HIGHEST));
    const section = new Section();
    const readers = new Set<number>();
    const reader = ({ thread, once }: Stage): void => {
      const lock = new RwLock(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        let outcome = 'none';
        const limits = thread === 1 ? SOMETIME : undefined;
        if (timesOut(() => (outcome = lock.readLock(limits)))) continue;
        once(() => {
          section.see(thread, outcome);
          readers.add(thread);
        });
        once(() => readers.delete(thread));
        lock.readUnlock();
      }
    };
    const writer = ({ thread, once }: Stage): void => {
      const lock = new RwLock(words, 0, thread, unspun());
      for (let round = 0; round < 2; round++) {
        let outcome = 'none';
        const limits = thread === 4 ? SOMETIME : undefined;
        if (timesOut(() => (outcome = lock.writeLock(limits)))) continue;
        once(() => {
          ensure(readers.size === 0, `Writer ${thread} meets readers`);
          section.enter(thread, outcome);
        });
        once(() => section.leave());
        lock.writeUnlock();
      }
    };
    return {
      words,
      threads: [reader, reader, writer, writer],
      kills: 2,
      reclaim(dead, { thread, once }) {
        once(() => {
          section.bury(dead);
          readers.delete(dead);
        });
        new RwLock(words, 0, thread).reclaim(dead);
      },
      check() {
        const lock = new RwLock(words, 0, OBSERVER);
        const { abandoned: _, ...stats } = lock.stats();
        expect(stats).toEqual({
          writer: undefined,
          readers: [],
          waitingReaders: [],
          waitingWriters: [],
        });
        expect(lock.tryWriteLock()).toBeDefined();
      },
    };
  });
});

test('nobody passes a barrier before all who live have arrived, and it has one leader a round', () => {
  expectUnderSchedules(() => {
    const words = memory(Barrier.WORDS);
    const parties = 3;
    const rounds = 3;
    Barrier.init(words, 0, parties);
    for (let id = 1; id <= parties; id++) new Barrier(words, 0, id as ThreadId).join();
    const arrivals = new Map<number, number>();
    const dead = new Set<number>();
    const leaders = new Map<number, number>();
    const act = ({ thread, once }: Stage): void => {
      const barrier = new Barrier(words, 0, thread, unspun());
      for (let round = 0; round < rounds; round++) {
        once(() => arrivals.set(thread, round + 1));
        let leads = false;
        while (timesOut(() => (leads = barrier.wait(thread === 1 ? SOMETIME : undefined).leader)));
        once(() => {
          for (let other = 1; other <= parties; other++) {
            const arrived = (arrivals.get(other) ?? 0) > round || dead.has(other);
            ensure(arrived, `${thread} passes round ${round} before ${other}`);
          }
          if (leads) leaders.set(round, (leaders.get(round) ?? 0) + 1);
        });
      }
    };
    return {
      words,
      threads: [act, act, act],
      kills: 2,
      reclaim(thread, { once }) {
        once(() => dead.add(thread));
        new Barrier(words, 0, 9 as ThreadId).reclaim(thread);
      },
      check() {
        for (let round = 0; round < rounds; round++) {
          const count = leaders.get(round) ?? 0;
          ensure(count === 1 || (count === 0 && dead.size > 0), `${count} lead round ${round}`);
        }
      },
    };
  });
});

test('an opened latch lets all through, even when its opener dies before it has called them', () => {
  expectUnderSchedules(() => {
    const words = memory(Latch.WORDS);
    Latch.init(words, 0, 1);
    const opener = ({ thread }: Stage): void => {
      new Latch(words, 0, thread, unspun()).countDown();
    };
    const waiter = ({ thread }: Stage): void => {
      const latch = new Latch(words, 0, thread, unspun());
      while (timesOut(() => latch.wait(thread === 1 ? SOMETIME : undefined)));
      ensure(latch.tryWait(), 'It is not open');
    };
    return {
      words,
      threads: [waiter, waiter, opener],
      kills: 2,
      reclaim(dead, { thread }) {
        const latch = new Latch(words, 0, thread);
        latch.reclaim(dead);
        if (dead === 3 && !latch.tryWait()) latch.countDown();
      },
      check: () => expect(new Latch(words, 0, OBSERVER).stats()).toEqual({ count: 0, waiting: [] }),
    };
  });
});

test('an event that is reset at once has been seen by all who waited for it', () => {
  expectUnderSchedules(() => {
    const words = memory(ManualResetEvent.WORDS);
    const setter = ({ thread }: Stage): void => {
      const event = new ManualResetEvent(words, 0, thread, unspun());
      event.set();
      event.reset();
      // A waiter that came after the first time has a second one to see.
      event.set();
    };
    const waiter = ({ thread }: Stage): void => {
      const event = new ManualResetEvent(words, 0, thread, unspun());
      while (timesOut(() => event.wait(thread === 1 ? SOMETIME : undefined)));
    };
    return {
      words,
      threads: [waiter, waiter, setter],
      kills: 2,
      reclaim(dead, stage) {
        const event = new ManualResetEvent(words, 0, stage.thread);
        event.reclaim(dead);
        if (dead === 3) event.set();
      },
      check: () => {
        expect(new ManualResetEvent(words, 0, OBSERVER).stats()).toMatchObject({ waiting: [] });
      },
    };
  });
});

test('once means once, and again only after a death, which is told', () => {
  expectUnderSchedules(() => {
    const words = memory(Once.WORDS);
    const section = new Section();
    let completed = 0;
    const act = ({ thread, once }: Stage): void => {
      const only = new Once(words, 0, thread, unspun());
      only.run((found) => {
        once(() => section.enter(thread, found));
        once(() => {
          section.leave();
          completed++;
        });
      });
      ensure(only.done, 'It is not done');
    };
    return {
      words,
      threads: [act, act, act],
      kills: 2,
      reclaim(dead, { thread, once }) {
        once(() => section.bury(dead));
        new Once(words, 0, thread).reclaim(dead);
      },
      check(dead) {
        // Who dies between the end of its work and saying so has done it for nothing.
        ensure(completed >= 1 && completed <= 1 + dead.length, `It was done ${completed} times`);
      },
    };
  });
});
