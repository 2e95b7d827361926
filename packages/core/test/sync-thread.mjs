// A thread of the tests of the sync room. It does the one job that it was started for, posts the result, and ends.

import {
  Barrier,
  Condition,
  Latch,
  ManualResetEvent,
  Mutex,
  Once,
  RwLock,
  Semaphore,
} from '@millrace/core';
import { parentPort, workerData } from 'node:worker_threads';
import { churn } from './sync-churn.mjs';

const jobs = { count, countAsync, lend, queueUp, readAndWrite, take, rounds, pass, churn };

const { job, orders } = workerData;
parentPort.postMessage(await jobs[job](orders));

/** Adds to a plain word `times` times under the mutex; counts the locks that came from the dead. */
function count({ words, counter, thread, times, timeoutMs }) {
  const mutex = new Mutex(words, 0, thread);
  let timeouts = 0;
  for (let n = 0; n < times; n++) {
    try {
      mutex.lock(timeoutMs === undefined ? undefined : { timeoutMs });
    } catch (error) {
      if (error.code !== 'ERR_TIMEOUT') throw error;
      timeouts++;
      continue;
    }
    // Not atomic, on purpose.
    counter[0] = counter[0] + 1;
    mutex.unlock();
  }
  return { counted: times - timeouts, timeouts };
}

/** The same with `tasks` tasks that take turns in this thread. */
async function countAsync({ words, counter, thread, times, tasks }) {
  const mutex = new Mutex(words, 0, thread);
  const task = async () => {
    for (let n = 0; n < times; n++) {
      await mutex.lockAsync();
      const value = counter[0];
      if (n % 8 === 0) await Promise.resolve();
      counter[0] = value + 1;
      mutex.unlock();
    }
  };
  await Promise.all(Array.from({ length: tasks }, task));
  return { counted: times * tasks, timeouts: 0 };
}

/**
 * Borrows random weights of a semaphore. `marks` says what each thread borrows: it is marked after the
 * permits came, and wiped before they go back, so that the sum may never exceed the total.
 */
function lend({ words, marks, total, thread, times, timeoutMs }) {
  const semaphore = new Semaphore(words, 0, thread);
  const tally = { granted: 0, timeouts: 0, most: 0 };
  for (let n = 0; n < times; n++) {
    const weight = 1 + ((thread * 7 + n * 13) % total);
    try {
      semaphore.acquire(weight, timeoutMs === undefined ? undefined : { timeoutMs });
    } catch (error) {
      if (error.code !== 'ERR_TIMEOUT') throw error;
      tally.timeouts++;
      continue;
    }
    Atomics.store(marks, thread, weight);
    tally.most = Math.max(tally.most, sumOf(marks));
    tally.granted++;
    Atomics.store(marks, thread, 0);
    semaphore.release(weight);
  }
  return tally;
}

/** Acquires one permit, signs in the log, and gives the permit back. */
function queueUp({ words, log, thread, times }) {
  const semaphore = new Semaphore(words, 0, thread);
  for (let n = 0; n < times; n++) {
    semaphore.acquire();
    Atomics.store(log, 1 + Atomics.add(log, 0, 1), thread);
    semaphore.release();
  }
  return true;
}

/** Reads and writes a pair of plain words that are equal whenever nobody writes; counts when they differ. */
function readAndWrite({ words, pair, thread, times, writes }) {
  const lock = new RwLock(words, 0, thread);
  let torn = 0;
  for (let n = 0; n < times; n++) {
    if (n % writes === 0) {
      lock.writeLock();
      pair[0] = pair[0] + 1;
      pair[64] = pair[64] + 1;
      lock.writeUnlock();
    } else {
      lock.readLock();
      if (pair[0] !== pair[64]) torn++;
      lock.readUnlock();
    }
  }
  return torn;
}

/** Takes items that others bring, until the last one (-1); returns how many. */
function take({ words, condition: at, box, thread }) {
  const mutex = new Mutex(words, 0, thread);
  const filled = new Condition(words, at, thread);
  for (let taken = 0; ; taken++) {
    mutex.lock();
    filled.waitFor(mutex, () => box[0] !== 0);
    const last = box[0] < 0;
    if (!last) box[0] = box[0] - 1;
    mutex.unlock();
    if (last) return taken;
  }
}

/** Passes a barrier `times` times; counts when a thread is seen that has not arrived. */
function rounds({ words, arrivals, parties, thread, times }) {
  const barrier = new Barrier(words, 0, thread);
  const tally = { early: 0, led: 0 };
  for (let n = 1; n <= times; n++) {
    Atomics.store(arrivals, thread, n);
    if (barrier.wait().leader) tally.led++;
    for (const party of parties) if (Atomics.load(arrivals, party) < n) tally.early++;
  }
  return tally;
}

/** Runs once, counts the latch down, and waits for the event. */
function pass({ words, at, counter, thread }) {
  const once = new Once(words, at.once, thread);
  const latch = new Latch(words, at.latch, thread);
  const event = new ManualResetEvent(words, at.event, thread);
  const ran = once.run(() => {
    counter[0] = counter[0] + 1;
  });
  const seen = counter[0];
  latch.countDown();
  event.wait();
  return { ran, seen };
}

function sumOf(marks) {
  let sum = 0;
  for (let thread = 1; thread < marks.length; thread++) sum += Atomics.load(marks, thread);
  return sum;
}
