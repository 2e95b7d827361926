// Mutex and semaphore: two workers use the forms that block, and the page those that do not.

import { Mutex, Semaphore } from '../../../dist/entries/index.js';
import { changed, codeOf, runAll, sharedWords, signal, start, turn } from '../site/threads.mjs';

/** The page is a thread like any other; ids are given out by hand here. */
const [PAGE, ...WORKERS] = [1, 2, 3];
const TOTAL = 3;

/** Three threads add to a plain word under a mutex. */
export async function countUnderMutex() {
  const words = sharedWords(Mutex.WORDS);
  const counter = sharedWords(1);
  const times = 20_000;
  const orders = WORKERS.map((thread) => ({ words, counter, thread, times }));
  const workers = runAll(import.meta.url, 'count', orders);

  const mutex = new Mutex(words, 0, PAGE);
  const pageTimes = 200;
  for (let n = 0; n < pageTimes; n++) {
    await mutex.lockAsync();
    // Not atomic, on purpose: others come to want the lock meanwhile.
    const seen = counter[0];
    await turn();
    counter[0] = seen + 1;
    mutex.unlock();
  }
  await workers;
  return { lost: pageTimes + 2 * times - counter[0], stats: mutex.stats() };
}

/** Three threads borrow weights of a semaphore, and each looks at what all have borrowed together. */
export async function shareOutPermits() {
  const words = sharedWords(Semaphore.words());
  const marks = sharedWords(4);
  Semaphore.init(words, 0, { total: TOTAL });
  const times = 5000;
  const orders = WORKERS.map((thread) => ({ words, marks, thread, times }));
  const workers = runAll(import.meta.url, 'borrow', orders);

  const semaphore = new Semaphore(words, 0, PAGE);
  let most = 0;
  for (let n = 0; n < 500; n++) {
    const weight = 1 + (n % TOTAL);
    await semaphore.acquireAsync(weight);
    Atomics.store(marks, PAGE, weight);
    most = Math.max(most, sumOf(marks));
    Atomics.store(marks, PAGE, 0);
    semaphore.release(weight);
  }
  const mosts = [most, ...(await workers)];
  const { free, held, waiting } = semaphore.stats();
  return { mostTogether: Math.max(...mosts), free, held, waiting };
}

/** What the forms that block do on a page, where nothing may block, and how the others wait instead. */
export async function onThePage() {
  const words = sharedWords(64 + Semaphore.words());
  Semaphore.init(words, 64, { total: 1 });
  const mutex = new Mutex(words, 0, PAGE);
  const semaphore = new Semaphore(words, 64, PAGE);
  const free = [mutex.lock(), await codeOf(() => semaphore.acquire())];
  mutex.unlock();
  semaphore.release();

  const ready = sharedWords(2);
  const worker = start(import.meta.url, 'holdUntilTold', { words, ready, thread: WORKERS[0] });
  await Promise.race([changed(ready, 0, 0), worker.result]);
  const taken = [
    await codeOf(() => mutex.lock()),
    await codeOf(() => semaphore.acquire()),
    mutex.tryLock() ?? 'not locked',
    semaphore.tryAcquire(),
  ];
  const impatient = [
    await codeOf(() => mutex.lockAsync({ timeoutMs: 1 })),
    await codeOf(() => semaphore.acquireAsync(1, { signal: AbortSignal.timeout(1) })),
  ];
  const patient = Promise.all([mutex.lockAsync(), semaphore.acquireAsync()]);
  signal(ready, 1);
  const [outcome] = await patient;
  await worker.result;
  return { free, taken, impatient, outcome, holds: mutex.held };
}

export const jobs = { count, borrow, holdUntilTold };

function count({ words, counter, thread, times }) {
  const mutex = new Mutex(words, 0, thread);
  for (let n = 0; n < times; n++) {
    mutex.lock();
    counter[0] = counter[0] + 1;
    mutex.unlock();
  }
}

/** Each thread's mark says what it borrows: set after the permits came, wiped before they go back. */
function borrow({ words, marks, thread, times }) {
  const semaphore = new Semaphore(words, 0, thread);
  let most = 0;
  for (let n = 0; n < times; n++) {
    const weight = 1 + ((thread * 7 + n * 13) % TOTAL);
    semaphore.acquire(weight);
    Atomics.store(marks, thread, weight);
    most = Math.max(most, sumOf(marks));
    Atomics.store(marks, thread, 0);
    semaphore.release(weight);
  }
  return most;
}

function holdUntilTold({ words, ready, thread }) {
  const mutex = new Mutex(words, 0, thread);
  const semaphore = new Semaphore(words, 64, thread);
  mutex.lock();
  semaphore.acquire();
  signal(ready, 0);
  Atomics.wait(ready, 1, 0);
  mutex.unlock();
  semaphore.release();
}

function sumOf(marks) {
  let sum = 0;
  for (let i = 0; i < marks.length; i++) sum += Atomics.load(marks, i);
  return sum;
}
