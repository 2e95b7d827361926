/** Numbers of schedules that can be counted by hand. */
import { expect, test } from 'vitest';
import { explore, type Case, type ThreadBody } from '@millrace/interleave';

const twice =
  (index: number): ThreadBody =>
  ({ words }) => {
    Atomics.add(words, index, 1);
    Atomics.add(words, index, 1);
  };

const loadTwice: ThreadBody = ({ words }) => Atomics.load(words, 0) + Atomics.load(words, 0);

function count(threads: readonly ThreadBody[], options: Partial<Case> = {}): number {
  const report = explore({ name: 'counting', words: 8, threads, ...options });
  expect(report.complete).toBe(true);
  return report.schedules;
}

const none: Partial<Case> = { mode: { kind: 'exhaustive', reduction: 'none' } };

test('two threads of two steps interleave in 6 ways', () => {
  expect(count([twice(0), twice(1)], none)).toBe(6);
  expect(count([twice(0), twice(0)], none)).toBe(6);
});

test('three threads of two steps interleave in 90 ways', () => {
  expect(count([twice(0), twice(0), twice(0)], none)).toBe(90);
});

test('independent steps need one schedule', () => {
  expect(count([twice(0), twice(1)])).toBe(1);
  expect(count([twice(0), twice(1), twice(2), twice(3)])).toBe(1);
});

test('loads of one word are independent', () => {
  expect(count([loadTwice, loadTwice, loadTwice])).toBe(1);
});

test('writes of one word need every order', () => {
  expect(count([twice(0), twice(0)])).toBe(6);
  expect(count([twice(0), twice(0), twice(0)])).toBe(90);
});

test('two loads around a store need its three places', () => {
  const store: ThreadBody = ({ words }) => Atomics.store(words, 0, 1);
  expect(count([loadTwice, store])).toBe(3);
});

test('a failed compareExchange is a load', () => {
  const fail: ThreadBody = ({ words }) => Atomics.compareExchange(words, 0, 9, 1);
  expect(count([fail, fail, fail])).toBe(1);
});

test('a bound on preemptions counts the switches away from threads that could go on', () => {
  const mode = (preemptions: number): Partial<Case> => ({
    mode: { kind: 'exhaustive', preemptions },
  });
  // aabb bbaa; abba baab abb·a …: of the six, two have no preemption, two have one, and two have two.
  expect(count([twice(0), twice(0)], mode(0))).toBe(2);
  expect(count([twice(0), twice(0)], mode(1))).toBe(4);
  expect(count([twice(0), twice(0)], mode(2))).toBe(6);
  expect(count([twice(0), twice(0)], mode(9))).toBe(6);
  const report = explore({
    name: 'by preemptions',
    words: 1,
    threads: [twice(0), twice(0)],
    ...mode(3),
  });
  expect(report.byPreemptions).toEqual([2, 2, 2, 0]);
});

test('plain accesses are no steps unless they are asked to be', () => {
  const plain: ThreadBody = ({ words, thread }) => {
    words[thread] = 1;
    words[thread] += 1;
  };
  expect(count([plain, plain], none)).toBe(1);
  // Three accesses each: 6 over 3.
  expect(count([plain, plain], { ...none, points: 'all' })).toBe(20);
});

test('a thread of two steps can die before each of them, and at its end', () => {
  expect(count([twice(0)], { kills: 1 })).toBe(4);
});

test('a death before a load is the same as one after it', () => {
  expect(count([loadTwice], { kills: 1 })).toBe(2);
});

test('a death between two plain writes is tried', () => {
  const seen = new Set<string>();
  const write: ThreadBody = ({ words }) => {
    words[0] = 1;
    words[1] = 1;
  };
  const check: Case['check'] = ({ raw }) => void seen.add(`${raw[0]}${raw[1]}`);
  expect(count([write], { kills: 1, check })).toBe(4);
  expect([...seen].sort()).toEqual(['00', '10', '11']);
});

test('a wait that may time out does so before and after the notify', () => {
  const outcomes = new Set<unknown>();
  const report = explore({
    name: 'timeout',
    words: 1,
    threads: [
      ({ words }) => Atomics.wait(words, 0, 0, 100),
      ({ words }) => {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
      },
    ],
    check: ({ results }) => void outcomes.add(results[0]),
  });
  expect(report.complete).toBe(true);
  expect(outcomes).toEqual(new Set(['not-equal', 'ok', 'timed-out']));
});

test('a limit on schedules stops early and says so', () => {
  const report = explore({
    name: 'limited',
    words: 1,
    threads: [twice(0), twice(0), twice(0)],
    most: { schedules: 10 },
  });
  expect(report.complete).toBe(false);
  expect(report.schedules).toBe(10);
});

test('a limit on time stops early and says so', () => {
  const long: ThreadBody = ({ words }) => {
    for (let i = 0; i < 30; i++) Atomics.add(words, 0, 1);
  };
  const report = explore({
    name: 'endless',
    words: 1,
    threads: [long, long, long],
    most: { ms: 20 },
  });
  expect(report.complete).toBe(false);
  expect(report.ms).toBeGreaterThanOrEqual(20);
  expect(report.schedules).toBeGreaterThan(0);
});
