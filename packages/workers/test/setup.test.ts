/** What an op sets up on a thread, and how often. */
import { createMill } from '@millrace/workers';
import { afterAll, describe, expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import * as ops from './setup-ops.mjs';
import { until } from './until.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

/** Shared words that ops count in. */
class Counter {
  readonly counts = new Int32Array(new SharedArrayBuffer(12));

  get setups(): number {
    return Atomics.load(this.counts, 0);
  }

  get teardowns(): number {
    return Atomics.load(this.counts, 1);
  }

  get params(): { counts: Int32Array } {
    return { counts: this.counts };
  }
}

describe('the setup of an op', () => {
  test('runs before the first task, and its result is what run finds as the state', async () => {
    const counter = new Counter();
    expect(await mill.run(ops.prepared, new Uint8Array(5), counter.params)).toBe(15);
    expect(counter.setups).toBe(1);
    expect(Buffer.from(await mill.run(ops.doubleBySetup, Buffer.from('ab'))).toString()).toBe(
      'aabb',
    );
  });

  test('runs once for params that come again, whatever they are made of', async () => {
    await using alone = await createMill({ threads: 1 });
    const first = await alone.run(ops.lookUp, new Uint8Array([7]), { entries: [[7, 'seven']] });
    expect(first.found).toBe('seven');
    for (let i = 0; i < 10; i++) {
      expect(await alone.run(ops.lookUp, new Uint8Array([7]), { entries: [[7, 'seven']] })).toEqual(
        first,
      );
    }
    const other = await alone.run(ops.lookUp, new Uint8Array([7]), { entries: [[7, 'VII']] });
    expect(other).toEqual({ number: first.number + 1, found: 'VII' });
  });

  test.each([false, true])(
    'that fails (later: %s) fails the task with the reason, and the next task tries again',
    async (later) => {
      await using alone = await createMill({ threads: 1 });
      const params = { failures: 2, later };
      for (const attempt of [1, 2]) {
        const error = await failureOf(alone.run(ops.hesitant, undefined, params));
        expect(error.code).toBe('ERR_OP_SETUP');
        expect(error.message).toContain('"hesitant"');
        expect(error.message).toContain('setup-ops.mjs');
        expect(error.message).toContain('not yet');
        expect(error.cause).toBeInstanceOf(RangeError);
        expect((error.cause as RangeError).message).toBe(`not yet, attempt ${attempt}`);
      }
      expect(await alone.run(ops.hesitant, undefined, params)).toBe(3);
      expect(await alone.run(ops.hesitant, undefined, params)).toBe(3);
    },
  );
});

describe('the teardown of an op', () => {
  test('is given the state, once for each setup, when the configuration is dropped', async () => {
    const counter = new Counter();
    for (let i = 0; i < 20; i++) {
      await mill.run(ops.prepared, new Uint8Array(5), counter.params);
    }
    // Shared memory in params: configured anew each time.
    expect(counter.setups).toBe(20);
    await until(() => counter.teardowns === 20);
  });

  test.each([
    ['the mill closes', { threads: 1, recycle: {} }],
    ['the thread leaves after two tasks', { threads: 1, recycle: { afterTasks: 2 } }],
  ])('runs to its end when %s', async (_when, options) => {
    const counter = new Counter();
    const alone = await createMill(options);
    try {
      await alone.run(ops.remember, undefined, counter.params);
      // Its configuration is kept for the next call with such params: it is not dropped.
      expect(await alone.run(ops.remembered, undefined, { of: 'the setup' })).toBe('the setup');
      if ('afterTasks' in options.recycle) await until(() => counter.teardowns === 1);
      else expect(counter.teardowns).toBe(0);
    } finally {
      await alone.close();
    }
    expect(counter.teardowns).toBe(1);
  });

  test.each([false, true])(
    'that fails (later: %s) is warned of, and does no harm',
    async (later) => {
      await using alone = await createMill({ threads: 1 });
      const counter = new Counter();
      expect(await alone.run(ops.untidy, undefined, { ...counter.params, later })).toBe(1);
      await until(async () => (await alone.run(ops.warnings)).length === 1);
      const [warning] = await alone.run(ops.warnings);
      expect(warning).toContain('"untidy"');
      expect(warning).toContain('left undone');
      expect(await alone.run(ops.untidy, undefined, { ...counter.params, later })).toBe(1);
      await until(() => counter.teardowns === 2);
      expect(alone.stats().deaths).toBe(0);
    },
  );
});

describe('params', () => {
  test('that look alike, but hold more than can be seen, are told apart', async () => {
    for (const text of ['a', 'bb', 'ccc']) {
      expect(await mill.run(ops.sizeOf, undefined, { blob: new Blob([text]) })).toBe(text.length);
    }
  });

  test('are cloned once for an op, not for each chunk', async () => {
    await using alone = await createMill({ threads: 1 });
    const readsFor = async (bytes: number): Promise<number> => {
      let reads = 0;
      const params = {
        get counted() {
          return ++reads;
        },
        list: [bytes],
      };
      const before = await alone.run(ops.paramsSeen, undefined, { list: [0, bytes] });
      const after = await alone.run(ops.paramsSeen, new Uint8Array(bytes), params);
      // On the worker there was one object more, whatever the number of chunks.
      expect(after).toBe(before + 1);
      return reads;
    };
    expect(await readsFor(64 * 100)).toBe(await readsFor(64));
  });
});
