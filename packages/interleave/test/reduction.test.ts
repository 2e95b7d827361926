/** The reduced search finds what the unreduced one finds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Case, Operation, ThreadContext, World } from '@millrace/interleave';
import { outcomeOf, perform, programs, type Program, type Step } from './programs.js';

const ATOMIC = ['load', 'store', 'add', 'exchange', 'compareExchange'] as const;
const RUNS = Number(process.env['INTERLEAVE_RUNS'] ?? 300);

function expectSameOutcomes(program: Program, options: Partial<Case> = {}): void {
  const whole = outcomeOf(program, 'none', options);
  fc.pre(whole.schedules !== Infinity);
  const reduced = outcomeOf(program, 'dpor', options);
  expect(reduced.failure).toBe(whole.failure);
  expect(reduced.finals).toEqual(whole.finals);
  // Sweeps that run at once take all the words into account: some classes then have several schedules.
  if (!whole.failure && options.sweeps !== 'atOnce') {
    expect(reduced.schedules).toBeLessThanOrEqual(whole.schedules);
  }
}

describe('the reduced search ends in the same states as the unreduced one', () => {
  const cases: [string, readonly Step['operation'][], Partial<Case>][] = [
    ['atomic operations', ATOMIC, {}],
    ['waits and notifies', [...ATOMIC, 'wait', 'notify', 'notify'], {}],
    ['waits that time out', ['load', 'add', 'waitFor', 'notify'], {}],
    ['threads that spin', ['add', 'store', 'await', 'load'], { spins: 3 }],
    ['plain accesses that may race', [...ATOMIC, 'read', 'write'], { allowRaces: () => true }],
    [
      'every access a step',
      [...ATOMIC, 'read', 'write'],
      { points: 'all', allowRaces: () => true },
    ],
  ];
  test.each(cases)('of %s', (_, operations, options) => {
    fc.assert(
      fc.property(programs(operations), (program) => expectSameOutcomes(program, options)),
      { numRuns: RUNS },
    );
  });

  test.each(['interleaved', 'atOnce', 'last'] as const)('of deaths, swept %s', (sweeps) => {
    const sweep = ({ words, thread }: ThreadContext): void => {
      if (Atomics.load(words, 0) === 1) Atomics.add(words, 1, thread + 1);
      Atomics.add(words, 3, 1);
      Atomics.notify(words, 2);
    };
    const operations = [...ATOMIC, 'waitFor', 'notify', 'await'] as const;
    fc.assert(
      fc.property(
        programs(operations, { steps: 2 }),
        fc.integer({ min: 1, max: 2 }),
        (program, kills) => {
          const most = { schedules: 5000, steps: 200 };
          expectSameOutcomes(program, { kills, sweep, sweeps, spins: 3, most });
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('of deaths between plain writes', () => {
    const sweep = ({ words }: ThreadContext): void =>
      void Atomics.add(words, 3, words[0]! + words[1]!);
    const operations = ['write', 'read', 'add', 'load'] as const;
    fc.assert(
      fc.property(programs(operations, { threads: 2 }), (program) =>
        expectSameOutcomes(program, { kills: 1, sweep, allowRaces: () => false }),
      ),
      { numRuns: RUNS },
    );
  });
});

test('the reduced search runs one schedule of each class of equivalent ones', () => {
  // Every value that is written is another, and every write returns what it replaced: what the threads
  // return tells the order of all dependent steps.
  const runs = (program: Program): Case['threads'] =>
    program.map(
      (steps, thread) =>
        ({ words }: ThreadContext) =>
          steps.map(({ operation, word }, i) =>
            operation === 'load'
              ? Atomics.load(words, word)
              : Atomics.exchange(words, word, 1 + thread * 10 + i),
          ),
    );
  fc.assert(
    fc.property(programs(['load', 'exchange']), (program) => {
      const whole = outcomeOf(program, 'none', { threads: runs(program) });
      fc.pre(whole.schedules !== Infinity);
      const reduced = outcomeOf(program, 'dpor', { threads: runs(program) });
      expect(reduced.finals).toEqual(whole.finals);
      expect(reduced.schedules).toBe(whole.finals.length);
    }),
    { numRuns: RUNS },
  );
});

test('the reduced search sees operations overlap and follow each other in every way they can', () => {
  const threads = (program: Program): Case['threads'] =>
    program.map((steps) => ({ words, operation }: ThreadContext) => {
      for (let i = 0; i < steps.length; i += 2) {
        operation(`operation ${i}`, [], () => perform(words, steps.slice(i, i + 2)));
      }
    });
  const whoPrecedesWhom = ({ history, results, raw }: World): unknown => [
    results,
    [...raw],
    history.map(described),
    history.map((a) => history.map((b) => a.respondedAt < b.invokedAt)),
  ];
  const described = ({ thread, name, result }: Operation): unknown => [thread, name, result];
  const sweep = ({ words, operation }: ThreadContext): void =>
    void operation('sweep', [], () => Atomics.add(words, 0, 1));
  fc.assert(
    fc.property(programs(ATOMIC, { steps: 3 }), fc.nat(1), (program, kills) => {
      const options = { threads: threads(program), kills, sweep };
      const whole = outcomeOf(program, 'none', options, whoPrecedesWhom);
      fc.pre(whole.schedules !== Infinity);
      const reduced = outcomeOf(program, 'dpor', options, whoPrecedesWhom);
      expect(reduced.finals).toEqual(whole.finals);
    }),
    { numRuns: RUNS },
  );
});

test('the reduced search finds a data race when there is one', () => {
  fc.assert(
    fc.property(programs(['load', 'store', 'compareExchange', 'read', 'write']), (program) => {
      const whole = outcomeOf(program, 'none');
      const reduced = outcomeOf(program, 'dpor');
      const everyAccess = outcomeOf(program, 'none', { points: 'all' });
      expect(reduced.failure).toBe(whole.failure);
      expect(everyAccess.failure).toBe(whole.failure);
      expect(reduced.finals).toEqual(whole.finals);
    }),
    { numRuns: RUNS },
  );
});
