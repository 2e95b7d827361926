/** Linearizability: of a bounded queue, right and wrong, and of histories made by hand. */
import { describe, expect, test } from 'vitest';
import {
  assertLinearizable,
  explore,
  linearizable,
  type Case,
  type Model,
  type Operation,
  type ThreadBody,
} from '@millrace/interleave';
import { failureOf } from './failing.js';

const HEAD = 0;
const TAIL = 1;
const CELLS = 2;
const CAPACITY = 2;

/** D. Vyukov's bounded queue: each cell has a sequence number beside its value. */
class Queue {
  readonly words: Int32Array;
  readonly publishes: boolean;

  constructor(words: Int32Array, publishes: boolean) {
    this.words = words;
    this.publishes = publishes;
  }

  push(value: number): boolean {
    for (;;) {
      const tail = Atomics.load(this.words, TAIL);
      const cell = CELLS + (tail % CAPACITY) * 2;
      const lag = Atomics.load(this.words, cell) - tail;
      if (lag < 0) return false;
      if (lag > 0 || Atomics.compareExchange(this.words, TAIL, tail, tail + 1) !== tail) continue;
      if (!this.publishes) Atomics.store(this.words, cell, tail + 1);
      this.words[cell + 1] = value;
      if (this.publishes) Atomics.store(this.words, cell, tail + 1);
      return true;
    }
  }

  pop(): number {
    for (;;) {
      const head = Atomics.load(this.words, HEAD);
      const cell = CELLS + (head % CAPACITY) * 2;
      const lag = Atomics.load(this.words, cell) - head - 1;
      if (lag < 0) return 0;
      if (lag > 0 || Atomics.compareExchange(this.words, HEAD, head, head + 1) !== head) continue;
      const value = this.words[cell + 1]!;
      Atomics.store(this.words, cell, head + CAPACITY);
      return value;
    }
  }
}

const queueModel: Model<readonly number[]> = {
  initial: [],
  next(items, { name, args, result, respondedAt }) {
    const open = respondedAt === Infinity;
    if (name === 'push') {
      // A push may find a cell still being emptied, and take the queue for full.
      if (result === false) return items;
      return open || items.length < CAPACITY ? [...items, args[0] as number] : undefined;
    }
    if (open) return items.slice(1);
    // A pop may find a cell still being filled, and take the queue for empty.
    if (result === 0) return items;
    return items[0] === result ? items.slice(1) : undefined;
  },
};

function queueCase(publishes: boolean): Case {
  const producer: ThreadBody = ({ words, operation, thread }) => {
    const queue = new Queue(words, publishes);
    for (const value of [10 * thread + 1, 10 * thread + 2]) {
      operation('push', [value], () => queue.push(value));
    }
  };
  const consumer: ThreadBody = ({ words, operation }) => {
    const queue = new Queue(words, publishes);
    for (let i = 0; i < 2; i++) operation('pop', [], () => queue.pop());
  };
  return {
    name: 'a bounded queue',
    words: CELLS + 2 * CAPACITY,
    setup({ words }) {
      for (let i = 0; i < CAPACITY; i++) words[CELLS + 2 * i] = i;
    },
    threads: [producer, consumer],
    check: ({ history }) => assertLinearizable(history, queueModel),
  };
}

test('a bounded queue is linearizable', () => {
  expect(explore(queueCase(true)).complete).toBe(true);
  const { threads, ...rest } = queueCase(true);
  const mode = { kind: 'exhaustive', preemptions: 2 } as const;
  const three = explore({ ...rest, threads: [...threads, threads[1]!], mode });
  expect(three.complete).toBe(true);
  expect(explore({ ...queueCase(true), kills: 1 }).complete).toBe(true);
});

test('a queue that publishes a cell before it is filled has a race', () => {
  expect(failureOf(queueCase(false)).code).toBe('ERR_DATA_RACE');
});

test('a queue that publishes a cell before it is filled is not linearizable', () => {
  const { code, message } = failureOf({ ...queueCase(false), allowRaces: () => true });
  expect(code).toBe('ERR_CHECK_FAILED');
  expect(message).toContain('No order of these operations explains their results');
  expect(message).toMatch(/process 1: step \d+, pop\(\) = 0, step \d+/);
});

test('a stale read behind a finished write is found, although no word is written twice', () => {
  // The second register lags behind: only the order of the operations tells.
  const write: ThreadBody = ({ words, operation }) => {
    operation('write', [1], () => void Atomics.store(words, 0, 1));
    operation('write', [2], () => void Atomics.store(words, 1, 2));
  };
  const read: ThreadBody = ({ words, operation }) =>
    operation('read', [], () => Math.max(Atomics.load(words, 1), Atomics.load(words, 0)));
  const register: Model<number> = {
    initial: 0,
    next(value, { name, args, result }) {
      if (name === 'write') return args[0] as number;
      return result === value ? value : undefined;
    },
  };
  const of: Case = {
    name: 'a register of two words',
    words: 2,
    threads: [write, read],
    check: ({ history }) => assertLinearizable(history, register),
  };
  expect(explore(of).complete).toBe(true);
  const backwards: ThreadBody = ({ words, operation }) =>
    operation('read', [], () => {
      const low = Atomics.load(words, 0);
      return low === 0 ? Atomics.load(words, 1) : low;
    });
  expect(failureOf({ ...of, threads: [write, backwards] }).code).toBe('ERR_CHECK_FAILED');
});

describe('the search', () => {
  const counter: Model<number> = {
    initial: 0,
    next: (value, { result, respondedAt }) =>
      respondedAt === Infinity || result === value ? value + 1 : undefined,
  };
  const operation = (
    thread: number,
    result: unknown,
    invokedAt: number,
    respondedAt: number,
    key = 'k',
  ): Operation => ({ thread, name: 'increment', args: [key], result, invokedAt, respondedAt });

  test('explains operations that overlap in either order', () => {
    expect(linearizable([operation(0, 1, 0, 3), operation(1, 0, 1, 2)], counter)).toBe(true);
  });

  test('keeps the order of operations that do not overlap', () => {
    expect(linearizable([operation(0, 1, 0, 1), operation(1, 0, 2, 3)], counter)).toBe(false);
    expect(linearizable([operation(0, 0, 0, 1), operation(1, 1, 2, 3)], counter)).toBe(true);
  });

  test('keeps the order of operations of one thread', () => {
    expect(linearizable([operation(0, 1, 1, 1), operation(0, 0, 1, 1)], counter)).toBe(false);
  });

  test('takes an operation without an end as done or not done', () => {
    const open = operation(1, undefined, 0, Infinity);
    expect(linearizable([open, operation(0, 1, 1, 2)], counter)).toBe(true);
    expect(linearizable([open, operation(0, 0, 1, 2)], counter)).toBe(true);
    expect(linearizable([open, operation(0, 2, 1, 2)], counter)).toBe(false);
    // It may take effect as late as it likes.
    expect(linearizable([open, operation(0, 0, 1, 2), operation(0, 2, 3, 4)], counter)).toBe(true);
  });

  test('searches keys apart', () => {
    const keyed: Model<number> = { ...counter, keyOf: ({ args }) => args[0] as string };
    const history = ['a', 'b', 'c'].flatMap((key, thread) =>
      Array.from({ length: 20 }, (_, i) => operation(thread, i, 2 * i, 2 * i + 1, key)),
    );
    expect(linearizable(history, keyed)).toBe(true);
    expect(() => linearizable(history, counter)).toThrow(RangeError);
  });
});
