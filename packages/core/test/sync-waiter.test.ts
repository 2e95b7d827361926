/** How threads and tasks wait: spinning, parking, the doorbell, and what a wait leaves behind. */
import { Mutex, RwLock, Semaphore, type ThreadId, Waiter } from '@millrace/core';
import { Doorbell, Patience } from '@millrace/core/internal';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test, vi } from 'vitest';
import { until } from './sync-threads.ts';
import { sharedWords } from './threads.ts';
import { codeOf } from './thrown.ts';

const PATIENT = Patience.of('wait', undefined);

afterEach(() => {
  vi.restoreAllMocks();
});

test('a waiter whose spinning pays spins longer, and one whose spinning does not hardly spins', () => {
  const waiter = new Waiter({ mostSpinMs: 0.1 });
  const atFirst = waiter.stats().spinMs;
  expect(waiter.spin(() => true)).toBe(true);
  expect(waiter.stats().spinMs).toBeGreaterThan(atFirst);
  for (let n = 0; n < 10; n++) waiter.spin(() => true);
  expect(waiter.stats().spinMs).toBe(0.1);
  for (let n = 0; n < 10; n++) expect(waiter.spin(() => false)).toBe(false);
  expect(waiter.stats().spinMs).toBe(0.005);
});

test('a waiter that is told not to spin makes no attempt', () => {
  let attempts = 0;
  expect(new Waiter({ mostSpinMs: 0 }).spin(() => ++attempts > 0)).toBe(false);
  expect(attempts).toBe(0);
});

test('a waiter pauses the processor where that can be had', () => {
  const pause = vi.fn<() => void>();
  Object.assign(Atomics, { pause: Reflect.get(Atomics, 'pause') ?? pause });
  const spy = vi.spyOn(Atomics as unknown as { pause: () => void }, 'pause');
  let attempts = 0;
  new Waiter().spin(() => ++attempts === 5);
  expect(spy).toHaveBeenCalledTimes(4);
  spy.mockRestore();
  if (Reflect.get(Atomics, 'pause') === pause) Reflect.deleteProperty(Atomics, 'pause');
});

test('parking ends when the word has changed, and when the time is up', () => {
  const words = sharedWords(1);
  const waiter = new Waiter();
  expect(waiter.park(words, 0, 1, PATIENT)).toBe(true);
  expect(waiter.park(words, 0, 0, Patience.of('wait', { timeoutMs: 1 }))).toBe(false);
  expect(waiter.park(words, 0, 1, Patience.of('wait', { timeoutMs: 0 }))).toBe(false);
});

test('on a thread that may not block, what can be had at once is had, and the rest is refused', () => {
  vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  const two = 2 as ThreadId;

  const mutex = sharedWords(Mutex.WORDS);
  new Mutex(mutex, 0, 1 as ThreadId).lock();
  const locked = new Mutex(mutex, 0, two);
  expect(codeOf(() => locked.lock())).toBe('ERR_CANNOT_BLOCK');
  expect(locked.stats().sleeping).toEqual([]);

  const permits = sharedWords(Semaphore.words(2));
  Semaphore.init(permits, 0, { total: 2 });
  const semaphore = new Semaphore(permits, 0, two);
  semaphore.acquire(2);
  expect(codeOf(() => semaphore.acquire(1))).toBe('ERR_CANNOT_BLOCK');
  expect(semaphore.stats()).toMatchObject({ free: 0, waiting: [] });

  const shared = sharedWords(RwLock.words(2));
  const writer = new RwLock(shared, 0, 1 as ThreadId);
  const reader = new RwLock(shared, 0, two);
  writer.writeLock();
  expect(codeOf(() => reader.readLock())).toBe('ERR_CANNOT_BLOCK');
  writer.writeUnlock();
  expect(reader.readLock()).toBe('clean');
  expect(codeOf(() => writer.writeLock())).toBe('ERR_CANNOT_BLOCK');
  expect(writer.stats()).toMatchObject({ writer: undefined, waitingReaders: [] });
});

test('however many tasks wait at a doorbell, and give up, one wait stands in the engine', async () => {
  const words = sharedWords(1);
  const waitAsync = vi.spyOn(Atomics, 'waitAsync');
  const bell = new Doorbell(words, 0);
  const impatient = Array.from({ length: 20 }, () =>
    bell.wait(0, Patience.of('wait', { timeoutMs: 1 })),
  );
  expect(await Promise.all(impatient)).toEqual(Array(20).fill('timed out'));
  expect(bell.waiting).toBe(0);
  const patient = [bell.wait(0, PATIENT), bell.wait(0, PATIENT)];
  expect(waitAsync).toHaveBeenCalledTimes(1);
  expect(Atomics.notify(words, 0)).toBe(1);
  expect(await Promise.all(patient)).toEqual(['rung', 'rung']);
});

test('a doorbell rings at once for a word that has changed already', async () => {
  const words = sharedWords(1);
  const bell = new Doorbell(words, 0);
  expect(await bell.wait(1, PATIENT)).toBe('rung');
  const standing = bell.wait(0, PATIENT);
  expect(await bell.wait(1, PATIENT)).toBe('rung');
  expect(await standing).toBe('rung');
});

test('where there is no waitAsync, timers look at the word', async () => {
  const { waitAsync } = Atomics;
  Reflect.deleteProperty(Atomics, 'waitAsync');
  try {
    const words = sharedWords(Mutex.WORDS);
    const one = new Mutex(words, 0, 1 as ThreadId);
    const two = new Mutex(words, 0, 2 as ThreadId);
    one.lock();
    const waiting = two.lockAsync();
    await until(() => one.stats().listening.length === 1);
    one.unlock();
    expect(await waiting).toBe('clean');
    await expect(one.lockAsync({ timeoutMs: 3 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  } finally {
    Object.defineProperty(Atomics, 'waitAsync', {
      value: waitAsync,
      configurable: true,
      writable: true,
    });
  }
});

test('a wait keeps the process alive until it has ended', async () => {
  const script = `
    import { Mutex } from '@millrace/core';
    const words = new Int32Array(new SharedArrayBuffer(Mutex.WORDS * 4));
    new Mutex(words, 0, 1).lock();
    await new Mutex(words, 0, 2).lockAsync({ timeoutMs: 30 }).catch(({ code }) => console.log(code));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { cwd: fileURLToPath(new URL('.', import.meta.url)) },
  );
  expect(stdout.trim()).toBe('ERR_TIMEOUT');
});
