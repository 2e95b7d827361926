/** Random search, and search with a bound: what they find is also found by the search of everything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { explore, type Case, type ThreadBody, type ThreadContext } from '@millrace/interleave';
import { expectEqual, failureOf } from './failing.js';
import { outcomeOf, programs } from './programs.js';

const OPERATIONS = ['load', 'store', 'add', 'compareExchange', 'waitFor', 'notify'] as const;

const increments =
  (count: number): ThreadBody =>
  ({ words }) => {
    for (let i = 0; i < count; i++) Atomics.store(words, 0, Atomics.load(words, 0) + 1);
  };

test('random search finds a lost update among many steps', () => {
  const found = failureOf({
    name: 'many increments',
    words: 1,
    threads: [increments(10), increments(10), increments(10)],
    check: ({ raw }) => expectEqual(raw[0], 30),
    mode: { kind: 'random', schedules: 1000, seed: 7 },
  });
  expect(found.code).toBe('ERR_CHECK_FAILED');
});

test('random search is the same for the same seed', () => {
  const finals = (seed: number): number[] => {
    const seen: number[] = [];
    const report = explore({
      name: 'seeded',
      words: 1,
      threads: [increments(3), increments(3)],
      check: ({ raw }) => void seen.push(raw[0]!),
      mode: { kind: 'random', schedules: 50, seed },
    });
    expect(report.schedules).toBe(50);
    expect(report.complete).toBe(false);
    return seen;
  };
  expect(finals(1)).toEqual(finals(1));
  expect(finals(1)).not.toEqual(finals(2));
});

test('random search kills threads', () => {
  const dead = new Set<string>();
  explore({
    name: 'deaths',
    words: 1,
    threads: [increments(2), increments(2)],
    kills: 2,
    check: ({ killed }) => void dead.add(killed.join()),
    mode: { kind: 'random', schedules: 500 },
  });
  expect([...dead].sort()).toEqual(['', '0', '0,1', '1']);
});

const sweep = ({ words, thread }: ThreadContext): void => void Atomics.add(words, 3, thread + 1);

test('random search ends only in states that the search of everything ends in', () => {
  const mode: Case['mode'] = { kind: 'random', schedules: 100, depth: 4 };
  fc.assert(
    fc.property(programs(OPERATIONS, { steps: 3 }), fc.nat(1), (program, kills) => {
      const whole = outcomeOf(program, 'dpor', { kills, sweep });
      fc.pre(whole.failure === '');
      const random = outcomeOf(program, 'dpor', { kills, sweep, mode });
      expect(random.failure).toBe('');
      expect(whole.finals).toEqual(expect.arrayContaining([...random.finals]));
    }),
    { numRuns: 200 },
  );
});

test.each(['interleaved', 'atOnce', 'last'] as const)(
  'a bound that no schedule reaches leaves out nothing: swept %s',
  (sweeps) => {
    const mode: Case['mode'] = { kind: 'exhaustive', preemptions: 12 };
    fc.assert(
      fc.property(programs(OPERATIONS, { steps: 3, threads: 2 }), fc.nat(1), (program, kills) => {
        const options = { kills, sweep, sweeps };
        const whole = outcomeOf(program, 'dpor', options);
        const bounded = outcomeOf(program, 'dpor', { ...options, mode });
        fc.pre(bounded.schedules !== Infinity);
        expect(bounded.failure).toBe(whole.failure);
        expect(bounded.finals).toEqual(whole.finals);
      }),
      { numRuns: 200 },
    );
  },
);

test('schedules of thousands of steps are followed, races and all', () => {
  const writer: ThreadBody = ({ words }) => {
    words[1] = 5;
    for (let i = 0; i < 500; i++) Atomics.add(words, 0, 1);
  };
  const reader =
    (from: number): ThreadBody =>
    ({ words }) => {
      for (let i = 0; i < 500; i++) Atomics.add(words, 2, 1);
      return Atomics.load(words, 0) >= from ? words[1] : 5;
    };
  const of: Case = {
    name: 'long',
    words: 4,
    threads: [writer, reader(1)],
    check: ({ results }) => expectEqual(results[1], 5),
    mode: { kind: 'exhaustive', preemptions: 1 },
  };
  expect(explore(of).longest).toBe(1001);
  expect(failureOf({ ...of, threads: [writer, reader(0)] }).code).toBe('ERR_DATA_RACE');
});
