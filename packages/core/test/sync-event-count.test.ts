/** An event count in every order in which the steps of sleepers and wakers can fall, deaths included. */
import { EventCount, Waiter } from '@millrace/core';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { explore, type Case } from '@millrace/interleave';
import { expect, test } from 'vitest';
import { atEveryGap } from './sync-gaps.ts';
import { sharedWords } from './threads.ts';

const BELL = 0;
const NEWS = 1;

/** Spinning is but many looks: without it, an exploration gets to the sleep at once. */
function bellOn(words: Int32Array): EventCount {
  return new EventCount(words, BELL, { waiter: new Waiter({ mostSpinMs: 0 }) });
}

/** Sleeps until there are `count` news. */
function sleeper(count: number): Case['threads'][number] {
  return ({ words }) => bellOn(words).waitSync(() => Atomics.load(words, NEWS) >= count);
}

function waker({ words }: { readonly words: Int32Array }): void {
  Atomics.add(words, NEWS, 1);
  bellOn(words).ring();
}

/** What a sweeper does: what the dead one may have been about to do, and a ring for those who sleep. */
function sweep({ words }: { readonly words: Int32Array }): void {
  Atomics.store(words, NEWS, 1);
  bellOn(words).ringAnyway();
}

const base = {
  words: 2,
  nameOf: (index: number) => (index === BELL ? 'bell' : 'news'),
} satisfies Partial<Case>;

test('nobody who sleeps misses the news, whoever sleeps and wakes', () => {
  const casts: Case['threads'][] = [
    [sleeper(1), waker],
    [sleeper(1), sleeper(1), waker],
    [sleeper(2), waker, waker],
    [sleeper(1), sleeper(2), waker, waker],
  ];
  for (const threads of casts) {
    const report = explore({
      ...base,
      name: `${threads.length} threads at an event count`,
      threads,
      check({ results }) {
        expect(results.every((result) => result !== false)).toBe(true);
      },
    });
    expect(report.complete).toBe(true);
  }
});

test('nobody who sleeps misses the news though the waker dies, once it was swept', () => {
  const report = explore({
    ...base,
    name: 'a waker that dies',
    threads: [sleeper(1), waker],
    kills: 1,
    sweep,
  });
  expect(report.complete).toBe(true);
});

test('whoever dies, the others go on', () => {
  const report = explore({
    ...base,
    name: 'a death among three',
    threads: [sleeper(1), sleeper(1), waker],
    kills: 1,
    sweep,
    check({ results, killed }) {
      for (const at of [0, 1]) if (!killed.includes(at)) expect(results[at]).toBe(true);
    },
  });
  expect(report.complete).toBe(true);
});

test('a sleeper whose time is up says so, or has seen the news', () => {
  const report = explore({
    ...base,
    name: 'a sleeper with a limit',
    threads: [
      ({ words }) =>
        bellOn(words).waitSync(() => Atomics.load(words, NEWS) === 1, { timeoutMs: 5 }),
      sleeper(1),
      waker,
    ],
    check({ results }) {
      expect(results[0]).toBeTypeOf('boolean');
      expect(results[1]).toBe(true);
    },
  });
  expect(report.complete).toBe(true);
});

test.each([0, 1])(
  'a task that sleeps beside %i others misses no news, whenever they come',
  async (others) => {
    const gaps = await atEveryGap(async (interrupt) => {
      const words = sharedWords(2);
      const bell = new EventCount(words, BELL);
      const news = (): boolean => Atomics.load(words, NEWS) === 1;
      const sleeping = Array.from({ length: others }, () => bell.wait(news));
      sleeping.push(
        interrupt(
          () => bell.wait(news),
          () => waker({ words }),
        ),
      );
      expect(await Promise.all(sleeping)).toEqual(sleeping.map(() => true));
    });
    expect(gaps).toBeGreaterThan(3);
  },
);

test('a task that lets the process end while it waits does not keep it alive', async () => {
  const script = `
    import { EventCount } from '@millrace/core';
    const words = new Int32Array(new SharedArrayBuffer(4));
    void new EventCount(words, 0).wait(() => false, { keepAlive: false }).then(console.log);
    void new EventCount(words, 0).wait(() => false, { timeoutMs: 20 }).then(console.log);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { cwd: fileURLToPath(new URL('.', import.meta.url)) },
  );
  expect(stdout.trim()).toBe('false');
});
