/** Threads are suspended by unwinding their stacks: what they may do, and what they may not. */
import { describe, expect, test } from 'vitest';
import { explore, replay, type Case, type ThreadBody } from '@millrace/interleave';
import { errorOf, expectEqual, failureOf } from './failing.js';

const add: ThreadBody = ({ words }) => {
  Atomics.add(words, 0, 1);
  Atomics.add(words, 0, 1);
};

describe('a thread may', () => {
  test('catch everything', () => {
    const stubborn: ThreadBody = ({ words }) => {
      try {
        Atomics.add(words, 0, 1);
      } catch {
        Atomics.store(words, 1, 99);
      }
      Atomics.add(words, 0, 1);
    };
    const report = explore({
      name: 'catches',
      words: 2,
      threads: [stubborn, stubborn],
      check({ raw }) {
        expectEqual(raw[0], 4);
        expectEqual(raw[1], 0);
      },
      mode: { kind: 'exhaustive', reduction: 'none' },
    });
    expect(report.schedules).toBe(6);
  });

  test('access words in finally', () => {
    const tidy: ThreadBody = ({ words }) => {
      Atomics.add(words, 0, 1);
      try {
        Atomics.add(words, 0, 1);
      } finally {
        Atomics.sub(words, 0, 1);
      }
    };
    const report = explore({
      name: 'finally',
      words: 1,
      threads: [tidy, tidy],
      check: ({ raw }) => expectEqual(raw[0], 2),
      mode: { kind: 'exhaustive', reduction: 'none' },
    });
    expect(report.schedules).toBe(20);
  });

  test('throw and catch errors of its own', () => {
    const thread: ThreadBody = ({ words }) => {
      try {
        if (Atomics.add(words, 0, 1) === 1) throw new RangeError('second');
        return 'first';
      } catch (error) {
        return (error as Error).message;
      }
    };
    const seen = new Set<unknown>();
    explore({
      name: 'errors',
      words: 1,
      threads: [thread, thread],
      check: ({ results }) => void seen.add(String(results)),
    });
    expect(seen).toEqual(new Set(['first,second', 'second,first']));
  });

  test('look at the clock', () => {
    const patient: ThreadBody = ({ words }) => {
      const started = performance.now();
      const deadline = Date.now() + 1000;
      for (;;) {
        if (Atomics.load(words, 0) === 1) return 'seen';
        const left = deadline - Date.now();
        if (left <= 0) return performance.now() - started >= 1000 ? 'late' : 'early';
        Atomics.wait(words, 0, 0, left);
      }
    };
    const impatient: ThreadBody = ({ words }) => {
      const end = performance.now() + 0.01;
      while (performance.now() < end);
      Atomics.store(words, 0, 1);
      Atomics.notify(words, 0);
    };
    const { now } = Date;
    const real = performance.now();
    const seen = new Set<unknown>();
    explore({
      name: 'deadlines',
      words: 1,
      threads: [patient, impatient],
      check: ({ results }) => void seen.add(results[0]),
    });
    expect(seen).toEqual(new Set(['seen', 'late']));
    expect(Date.now).toBe(now);
    expect(performance.now()).toBeGreaterThan(real);
  });

  test('keep state of its own', () => {
    const thread: ThreadBody = ({ words }) => {
      const seen: number[] = [];
      for (let i = 0; i < 3; i++) seen.push(Atomics.add(words, 0, 1));
      return seen.length;
    };
    explore({
      name: 'its own state',
      words: 1,
      threads: [thread, thread],
      check: ({ results }) => expectEqual(String(results), '3,3'),
    });
  });
});

describe('it is an error when a thread', () => {
  const failing = (thread: ThreadBody, options: Partial<Case> = {}): string =>
    errorOf(() => explore({ name: 'fails', words: 4, threads: [thread, add], ...options })).code;

  test('throws', () => {
    const found = failureOf({
      name: 'throws',
      words: 1,
      threads: [
        ({ words }) => {
          if (Atomics.load(words, 0) === 1) throw new RangeError('one');
        },
        add,
      ],
    });
    expect(found.code).toBe('ERR_THREAD_THREW');
    expect(found.message).toContain('thread 0 threw: one');
    expect(found.cause).toBeInstanceOf(RangeError);
  });

  test('depends on more than the words', () => {
    let runs = 0;
    expect(failing(({ words }) => Atomics.add(words, runs++ % 2, 1))).toBe('ERR_DIVERGED');
    let ends = 0;
    expect(failing(({ words }) => (ends++ > 0 ? 0 : Atomics.add(words, 0, 1)))).toBe(
      'ERR_DIVERGED',
    );
  });

  test('depends on more than the words, and catches everything', () => {
    let runs = 0;
    const stubborn: ThreadBody = ({ words }) => {
      const index = runs++ % 2;
      for (let i = 0; i < 5; i++) {
        try {
          Atomics.add(words, index, 1);
        } catch {
          runs++;
        }
      }
    };
    expect(failing(stubborn)).toBe('ERR_DIVERGED');
  });

  test('is asynchronous', () => {
    expect(failing(async ({ words }) => Atomics.load(words, 0))).toBe('ERR_THREAD_THREW');
  });

  test('makes too many accesses', () => {
    const busy: ThreadBody = ({ words }) => {
      for (let i = 0; ; i++) Atomics.store(words, 1, i);
    };
    expect(failing(busy, { most: { steps: 100 } })).toBe('ERR_STEP_LIMIT');
  });

  test('spins on a plain read for ever', () => {
    const spinner: ThreadBody = ({ words }) => {
      while (words[3] === 0);
    };
    expect(failing(spinner)).toBe('ERR_LIVELOCK');
    const setter: ThreadBody = ({ words }) => Atomics.store(words, 3, 1);
    expect(failing(spinner, { threads: [spinner, setter] })).toBe('ERR_DATA_RACE');
    const report = explore({
      name: 'an intended race',
      words: 4,
      threads: [spinner, setter],
      allowRaces: () => true,
    });
    expect(report.complete).toBe(true);
  });
});

test('an invariant is checked after every step', () => {
  const up: ThreadBody = ({ words }) => {
    Atomics.add(words, 0, 1);
    Atomics.sub(words, 0, 1);
  };
  const of: Case = {
    name: 'an invariant',
    words: 1,
    threads: [up, up],
    invariant: ({ raw }) => {
      if (raw[0]! > 1) throw new Error(`${raw[0]} are in`);
    },
  };
  const found = failureOf(of);
  expect(found.code).toBe('ERR_INVARIANT_BROKEN');
  expect(found.message).toContain('2 are in');
  expect(explore({ ...of, threads: [up, add, add].slice(0, 1) }).complete).toBe(true);
});

test('what checks and invariants write is undone', () => {
  const meddle = ({ words }: { words: Int32Array }): void => {
    Atomics.store(words, 0, 77);
    words.fill(3);
  };
  const report = explore({
    name: 'meddling',
    words: 2,
    threads: [add, add],
    invariant: meddle,
    check(world) {
      expectEqual(world.raw[0], 4);
      meddle(world);
    },
  });
  expect(report.schedules).toBe(6);
});

test('a seed that is none of the case is refused', () => {
  const of: Case = { name: 'seeds', words: 1, threads: [add, add] };
  expect(replay(of, 'ab2a')).toHaveLength(4);
  expect(replay(of, '')).toHaveLength(4);
  expect(() => replay(of, 'what?')).toThrow(RangeError);
  expect(() => replay(of, 'a3')).toThrow('its step 2 is not possible');
  expect(() => replay(of, '!a')).toThrow(RangeError);
});

test.each([
  ['words', { words: 0 }],
  ['words', { words: 1.5 }],
  ['threads', { threads: [] }],
  ['threads', { threads: [add, add, add, add, add] }],
  ['kills', { kills: 3 }],
  ['spins', { spins: 0 }],
  ['most.steps', { most: { steps: NaN } }],
  ['mode.preemptions', { mode: { kind: 'exhaustive', preemptions: -1 } }],
  ['mode.schedules', { mode: { kind: 'random', schedules: 0 } }],
] as [string, Partial<Case>][])('"%s" out of range is refused: %j', (name, part) => {
  expect(() => explore({ name: 'bad', words: 1, threads: [add, add], ...part })).toThrow(name);
});

test('a bound and a reduction do not go together', () => {
  const mode = { kind: 'exhaustive', preemptions: 1, reduction: 'dpor' } as const;
  expect(() => explore({ name: 'bad', words: 1, threads: [add, add], mode })).toThrow(RangeError);
});
