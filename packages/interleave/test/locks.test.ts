/** Locks, right and wrong. */
import { describe, expect, test } from 'vitest';
import { explore, type Case, type ThreadBody } from '@millrace/interleave';
import { expectEqual, failureOf } from './failing.js';

const LOCK = 0;
const TURN = 2;
const DATA = 4;

function locked(
  lock: (words: Int32Array, thread: number) => void,
  unlock: (words: Int32Array, thread: number) => void,
  options: Partial<Case> = {},
): Case {
  const thread: ThreadBody = ({ words, thread: me }) => {
    lock(words, me);
    words[DATA]! += 1;
    unlock(words, me);
  };
  return {
    name: 'a lock around a plain increment',
    words: 8,
    threads: [thread, thread],
    check: ({ raw }) => expectEqual(raw[DATA], 2),
    ...options,
  };
}

describe("Peterson's lock", () => {
  const unlock = (words: Int32Array, me: number): void => void Atomics.store(words, LOCK + me, 0);

  test('excludes', () => {
    const lock = (words: Int32Array, me: number): void => {
      const other = 1 - me;
      Atomics.store(words, LOCK + me, 1);
      Atomics.store(words, TURN, other);
      while (Atomics.load(words, LOCK + other) === 1 && Atomics.load(words, TURN) === other);
    };
    const report = explore(locked(lock, unlock));
    expect(report.complete).toBe(true);
    expect(report.setAside).toBeGreaterThan(0);
  });

  test('excludes nobody when the flag is raised too late', () => {
    const lock = (words: Int32Array, me: number): void => {
      while (Atomics.load(words, LOCK + 1 - me) === 1);
      Atomics.store(words, LOCK + me, 1);
    };
    expect(failureOf(locked(lock, unlock)).code).toBe('ERR_DATA_RACE');
    expect(failureOf(locked(lock, unlock, { allowRaces: () => true })).code).toBe(
      'ERR_CHECK_FAILED',
    );
  });

  test('hangs without the turn', () => {
    const lock = (words: Int32Array, me: number): void => {
      Atomics.store(words, LOCK + me, 1);
      while (Atomics.load(words, LOCK + 1 - me) === 1);
    };
    const { code, message } = failureOf(locked(lock, unlock));
    expect(code).toBe('ERR_LIVELOCK');
    expect(message).toContain('goes round in circles');
  });
});

describe('a test-and-set lock', () => {
  const lock = (words: Int32Array): void => {
    while (Atomics.exchange(words, LOCK, 1) === 1);
  };

  test('excludes', () => {
    const unlock = (words: Int32Array): void => void Atomics.store(words, LOCK, 0);
    expect(explore(locked(lock, unlock)).complete).toBe(true);
  });

  test('has a data race when it is released by a plain write', () => {
    const unlock = (words: Int32Array): void => void (words[LOCK] = 0);
    const { code, message } = failureOf(locked(lock, unlock));
    expect(code).toBe('ERR_DATA_RACE');
    expect(message).toMatch(/thread [01] and thread [01] race on word 0/);
  });
});

describe('a mutex that sleeps', () => {
  // U. Drepper, "Futexes Are Tricky": 0 is free, 1 is locked, 2 is locked with sleepers.
  const lock = (words: Int32Array): void => {
    let seen = Atomics.compareExchange(words, LOCK, 0, 1);
    while (seen !== 0) {
      if (seen === 2 || Atomics.compareExchange(words, LOCK, 1, 2) !== 0) {
        Atomics.wait(words, LOCK, 2);
      }
      seen = Atomics.compareExchange(words, LOCK, 0, 2);
    }
  };
  const unlock = (words: Int32Array): void => {
    if (Atomics.sub(words, LOCK, 1) === 1) return;
    Atomics.store(words, LOCK, 0);
    Atomics.notify(words, LOCK, 1);
  };

  test('excludes, and wakes whoever sleeps', () => {
    expect(explore(locked(lock, unlock)).complete).toBe(true);
    const three = locked(lock, unlock);
    const threads = [three.threads[0]!, three.threads[0]!, three.threads[0]!];
    const check: Case['check'] = ({ raw }) => expectEqual(raw[DATA], 3);
    const mode = { kind: 'exhaustive', preemptions: 4 } as const;
    const report = explore({ ...three, threads, check, mode });
    expect(report.complete).toBe(true);
    expect(report.schedules).toBeGreaterThan(1000);
  });

  test('deadlocks without the notify', () => {
    const silent = (words: Int32Array): void => {
      if (Atomics.sub(words, LOCK, 1) !== 1) Atomics.store(words, LOCK, 0);
    };
    const { code, message } = failureOf({ ...locked(lock, silent), nameOf: () => 'the lock' });
    expect(code).toBe('ERR_DEADLOCK');
    expect(message).toMatch(/thread [01] waits on the lock since step \d+/);
  });

  test('deadlocks when a thread locks it without a note of its sleepers', () => {
    const forgetful = (words: Int32Array): void => {
      let seen = Atomics.compareExchange(words, LOCK, 0, 1);
      while (seen !== 0) {
        if (seen === 2 || Atomics.compareExchange(words, LOCK, 1, 2) !== 0) {
          Atomics.wait(words, LOCK, 2);
        }
        seen = Atomics.compareExchange(words, LOCK, 0, 1);
      }
    };
    const three = locked(forgetful, unlock);
    const threads = [three.threads[0]!, three.threads[0]!, three.threads[0]!];
    expect(failureOf({ ...three, threads, check: () => {} }).code).toBe('ERR_DEADLOCK');
  });
});

describe('an event', () => {
  const FLAG = 0;
  const SEQUENCE = 1;
  const setter: ThreadBody = ({ words }) => {
    Atomics.store(words, FLAG, 1);
    Atomics.add(words, SEQUENCE, 1);
    Atomics.notify(words, SEQUENCE);
  };

  test('wakes its waiter when that looks at the sequence first', () => {
    const waiter: ThreadBody = ({ words }) => {
      for (;;) {
        const sequence = Atomics.load(words, SEQUENCE);
        if (Atomics.load(words, FLAG) === 1) return;
        Atomics.wait(words, SEQUENCE, sequence);
      }
    };
    expect(explore({ name: 'an event', words: 2, threads: [waiter, setter] }).complete).toBe(true);
  });

  test('loses a wake-up when its waiter looks at the flag first, and says which notify was in vain', () => {
    const waiter: ThreadBody = ({ words }) => {
      while (Atomics.load(words, FLAG) === 0) {
        Atomics.wait(words, SEQUENCE, Atomics.load(words, SEQUENCE));
      }
    };
    const found = failureOf({ name: 'an event', words: 2, threads: [waiter, setter] });
    expect(found.code).toBe('ERR_DEADLOCK');
    expect(found.message).toMatch(/the notify in step \d+ found nobody asleep there/);
  });

  test('notify wakes in the order of the waits', () => {
    const waiter: ThreadBody = ({ words }) => {
      const place = Atomics.add(words, 2, 1);
      Atomics.wait(words, FLAG, 0);
      return [place, Atomics.add(words, 3, 1)];
    };
    const waker: ThreadBody = ({ words }) => {
      while (Atomics.notify(words, FLAG, 1) === 0);
      while (Atomics.notify(words, FLAG, 1) === 0);
    };
    const inOrder = new Set<string>();
    const report = explore({
      name: 'first in, first out',
      words: 4,
      threads: [waiter, waiter, waker],
      check: ({ results }) => void inOrder.add(JSON.stringify(results.slice(0, 2))),
      spins: 1,
    });
    expect(report.complete).toBe(true);
    expect(inOrder.size).toBeGreaterThan(1);
  });
});

test('waits and notifies do not race with plain reads, and order what comes before them', () => {
  const FUTEX = 0;
  const MESSAGE = 1;
  const REPLY = 2;
  const sleeper: ThreadBody = ({ words }) => {
    words[REPLY] = 7;
    if (Atomics.wait(words, FUTEX, 0, 10) === 'ok') return words[MESSAGE];
    return 5;
  };
  const waker: ThreadBody = ({ words }) => {
    words[MESSAGE] = 5;
    const woken = Atomics.notify(words, FUTEX);
    return [words[FUTEX], woken === 1 ? words[REPLY] : 7];
  };
  const report = explore({
    name: 'a futex',
    words: 3,
    threads: [sleeper, waker],
    check({ results: [reply, message] }) {
      expectEqual(reply, 5);
      expectEqual(String(message), '0,7');
    },
  });
  expect(report.complete).toBe(true);
});

test('two locks taken in opposite orders deadlock', () => {
  const A = 0;
  const B = 1;
  const lock = (words: Int32Array, index: number): void => {
    while (Atomics.compareExchange(words, index, 0, 1) !== 0) Atomics.wait(words, index, 1);
  };
  const unlock = (words: Int32Array, index: number): void => {
    Atomics.store(words, index, 0);
    Atomics.notify(words, index);
  };
  const both =
    (first: number, second: number): ThreadBody =>
    ({ words }) => {
      lock(words, first);
      lock(words, second);
      unlock(words, second);
      unlock(words, first);
    };
  const names = ['lock A', 'lock B'];
  const of = { name: 'two locks', words: 2, nameOf: (index: number) => names[index]! };
  const found = failureOf({ ...of, threads: [both(A, B), both(B, A)] });
  expect(found.code).toBe('ERR_DEADLOCK');
  expect(found.message).toContain('thread 0 waits on lock B');
  expect(found.message).toContain('thread 1 waits on lock A');
  expect(explore({ ...of, threads: [both(A, B), both(A, B)] }).complete).toBe(true);
});

test('an update is lost between a load and a store', () => {
  const increment: ThreadBody = ({ words }) => {
    Atomics.store(words, 0, Atomics.load(words, 0) + 1);
  };
  const of: Case = {
    name: 'a counter',
    words: 1,
    threads: [increment, increment],
    check: ({ raw }) => expectEqual(raw[0], 2),
  };
  expect(failureOf(of).schedule).toEqual([
    '    0  thread 0  load(word 0) = 0',
    '    1  thread 1  load(word 0) = 0',
    '    2  thread 1  store(word 0, 1): 0 → 1',
    '    3  thread 0  store(word 0, 1): stays 1',
  ]);
  const add: ThreadBody = ({ words }) => Atomics.add(words, 0, 1);
  expect(explore({ ...of, threads: [add, add] }).schedules).toBe(2);
});
