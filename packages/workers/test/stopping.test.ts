/** Tasks that are ended: by a signal or by a limit of time, before they begin, while they run, and with their thread. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { createMill, type Mill } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import * as terms from './terms-ops.mjs';
import { expectSound, whole } from './threads.ts';
import { until } from './until.ts';

const some = new Uint8Array([7]);
const THREADS = 2;
/** From so many bytes on an object is large, and as many large tasks as there are threads have a permit. */
const LARGE = 256 * 1024;
/** Long: a test that needs it fails by its own limit. */
const GRACE_MS = 600_000;

let mill: Mill;
afterEach(async () => {
  await whole(mill, THREADS);
  expect(await mill.run(ops.sum, some)).toBe(7);
  expectSound(mill, THREADS);
  await mill.close();
});

const listeners = [terms.checks, terms.checksSignal, terms.throwsWhenTold, terms.listens];

describe('a signal', () => {
  beforeEach(async () => {
    mill = await createMill({ threads: THREADS, graceMs: GRACE_MS });
  });

  test('that is aborted already keeps a task from being submitted', async () => {
    const reason = new Error('enough');
    const error = await failureOf(
      mill.run(ops.sum, some, undefined, { signal: AbortSignal.abort(reason) }),
    );
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: reason });
    expect(mill.stats().tasks.submitted).toBe(0);
  });

  test('that comes late stops none of the tasks that came after', async () => {
    const others: Promise<unknown>[] = [];
    for (let i = 0; i < 1000; i++) {
      const controller = new AbortController();
      const { signal } = controller;
      // What the first does when it ends comes before the second is told that it has ended too, if one look found both.
      const first = mill.run(ops.sum, some).then(() => {
        for (let j = 0; j < 3; j++)
          others.push(mill.run(ops.sum, some).catch((error: unknown) => error));
        controller.abort();
      });
      await Promise.allSettled([first, mill.run(ops.sum, some, undefined, { signal })]);
    }
    expect(new Set(await Promise.all(others))).toEqual(new Set([7]));
  });

  test('ends tasks that wait, at once, and those never run', async () => {
    const gate = new Gate();
    const held = Array.from({ length: THREADS }, () =>
      mill.run(ops.hold, some, { gate: gate.words }),
    );
    await gate.reached(THREADS);
    const controller = new AbortController();
    const { signal } = controller;
    const other = new Gate();
    other.open();
    setMaxListeners(5000, signal);
    // More than there are cells.
    const waiting = Array.from({ length: 5000 }, () =>
      codeOf(mill.run(ops.hold, some, { gate: other.words }, { signal })),
    );
    controller.abort();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['ERR_ABORTED']));
    expect(gate.arrived).toBe(THREADS);
    gate.open();
    expect(await Promise.all(held)).toEqual([7, 7]);
    expect(other.arrived).toBe(0);
    expect(mill.stats().tasks).toMatchObject({ failed: 5000, completed: THREADS });
  });

  test.each(listeners)('is seen by an op that runs: $name', async (op) => {
    const gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const outcome = failureOf(mill.run(op, some, { gate: gate.words }, { signal }));
    await gate.reached(1);
    controller.abort('changed my mind');
    expect(await outcome).toMatchObject({ code: 'ERR_ABORTED', cause: 'changed my mind' });
    if (op !== terms.throwsWhenTold) expect(gate.noticed).toBe(1);
    expect(mill.stats().deaths).toBe(0);
  });

  test('is seen by an op in place, whose slice stays with the caller', async () => {
    using slice = mill.buffers.acquire(100);
    const gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const outcome = codeOf(mill.run(terms.checksInPlace, slice, { gate: gate.words }, { signal }));
    await gate.reached(1);
    controller.abort();
    expect(await outcome).toBe('ERR_ABORTED');
    expect(slice.live).toBe(true);
    slice.bytes.fill(1);
    expect(await mill.run(ops.sum, slice)).toBe(100);
  });

  test('of one task is not seen by others, in the same cell or beside it', async () => {
    const gate = new Gate();
    const controller = new AbortController();
    const { signal } = controller;
    const beside = new AbortController();
    const params = { gate: gate.words };
    const other = codeOf(mill.run(terms.listens, some, params, { signal: beside.signal }));
    const outcome = codeOf(mill.run(terms.listens, some, params, { signal }));
    await gate.reached(2);
    controller.abort();
    expect(await outcome).toBe('ERR_ABORTED');
    expect(gate.noticed).toBe(1);
    // The cell that has become free is the next one's.
    expect(await mill.run(ops.describe, some)).toMatchObject({ length: 1 });
    expect(gate.noticed).toBe(1);
    beside.abort();
    expect(await other).toBe('ERR_ABORTED');
  });

  test('that is aborted when the task has ended does nothing', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    expect(await mill.run(ops.sum, some, undefined, { signal })).toBe(7);
    controller.abort();
    expect(mill.stats().tasks).toMatchObject({ completed: 1, failed: 0 });
  });

  test('takes a large task out of the line for a permit, once', async () => {
    using first = mill.buffers.acquire(LARGE);
    using second = mill.buffers.acquire(LARGE);
    const gate = new Gate();
    const params = { gate: gate.words };
    const held = Array.from({ length: THREADS }, () => mill.run(ops.hold, first, params));
    await gate.reached(THREADS);
    const controller = new AbortController();
    const { signal } = controller;
    const outcome = codeOf(mill.run(ops.hold, second, params, { signal }));
    await until(() => mill.stats().largeOps.waiting === 1);
    controller.abort();
    expect(await outcome).toBe('ERR_ABORTED');
    expect(mill.stats()).toMatchObject({ tasks: { inFlight: THREADS }, largeOps: { waiting: 0 } });
    gate.open();
    await Promise.all(held);
    expect(gate.arrived).toBe(THREADS);
  });

  test('at any moment leaves each task with one outcome, and the mill sound', async () => {
    let aborted = 0;
    for (let round = 0; round < 40; round++) {
      const tasks = Array.from({ length: 100 }, async (_, i) => {
        const controller = new AbortController();
        const { signal } = controller;
        const result = mill.run(ops.sum, new Uint8Array([i]), undefined, { signal });
        if (i % 3 === 0) setImmediate(() => controller.abort());
        else if (i % 3 === 1) queueMicrotask(() => controller.abort());
        try {
          expect(await result).toBe(i);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_ABORTED' });
          aborted++;
        }
      });
      await Promise.all(tasks);
    }
    expect(aborted).toBeGreaterThan(100);
    const { completed, failed } = mill.stats().tasks;
    expect({ sum: completed + failed, failed }).toEqual({ sum: 4000, failed: aborted });
  });

  test('leaves the context of the caller as it was, for results and errors alike', async () => {
    const storage = new AsyncLocalStorage<number>();
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        storage.run(i, async () => {
          if (i % 2 === 0) await mill.run(ops.sum, some);
          else await codeOf(mill.run(ops.fail, some, { how: 'error' }));
          expect(storage.getStore()).toBe(i);
        }),
      ),
    );
  });
});

describe('an op that does not listen', () => {
  beforeEach(async () => {
    mill = await createMill({ threads: THREADS, graceMs: 50 });
  });

  test.each([terms.deaf, terms.deafAsync])(
    'is ended with its thread ($name), and only its own task fails',
    async (op) => {
      const gate = new Gate();
      const controller = new AbortController();
      const { signal } = controller;
      const outcome = codeOf(mill.run(op, some, { gate: gate.words }, { signal }));
      await gate.reached(1);
      const others = Array.from({ length: 500 }, (_, i) => mill.run(ops.sum, new Uint8Array([i])));
      controller.abort();
      expect(await outcome).toBe('ERR_ABORTED');
      expect(await Promise.all(others)).toEqual(others.map((_, i) => i % 256));
      await until(() => mill.stats().deaths === 1);
      expect(mill.stats().tasks).toMatchObject({ failed: 1, completed: 500 });
    },
  );

  test('is ended by a limit of time too', async () => {
    const gate = new Gate();
    const error = await failureOf(
      mill.run(terms.deaf, some, { gate: gate.words }, { timeoutMs: 20 }),
    );
    expect(error.code).toBe('ERR_TIMEOUT');
    expect(error.message).toContain('20 ms');
    await until(() => mill.stats().deaths === 1);
  });

  test('on every thread at once is ended with all of them', async () => {
    const gate = new Gate();
    const outcomes = Array.from({ length: 2 * THREADS }, () =>
      codeOf(mill.run(terms.deaf, some, { gate: gate.words }, { timeoutMs: 20 })),
    );
    expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['ERR_TIMEOUT']));
    expect(gate.arrived).toBe(2 * THREADS);
  });
});

describe('a limit of time', () => {
  beforeEach(async () => {
    mill = await createMill({ threads: THREADS, graceMs: GRACE_MS });
  });

  test.each(listeners)('ends an op that runs for longer: $name', async (op) => {
    const gate = new Gate();
    const outcome = codeOf(mill.run(op, some, { gate: gate.words }, { timeoutMs: 20 }));
    expect(await outcome).toBe('ERR_TIMEOUT');
    expect(mill.stats().deaths).toBe(0);
  });

  test('counts from when the op begins, not from the call', async () => {
    const gate = new Gate();
    const held = Array.from({ length: THREADS }, () =>
      mill.run(ops.hold, some, { gate: gate.words }),
    );
    await gate.reached(THREADS);
    const since = performance.now();
    const waiting = Array.from({ length: 20 }, () =>
      mill.run(ops.sum, some, undefined, { timeoutMs: 1000 }),
    );
    await until(() => performance.now() - since > 2500);
    gate.open();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => 7));
    await Promise.all(held);
  });

  test('does not fail a task that ended in time, though the main thread looks late', async () => {
    const outcome = mill.run(ops.sum, some, undefined, { timeoutMs: 300 });
    const since = performance.now();
    while (performance.now() - since < 1000);
    expect(await outcome).toBe(7);
  });

  test('is not counted from the task that had the cell before', async () => {
    // The first use of an op has its thread load it, between the claim and the beginning.
    const quick = (): Promise<number> => mill.run(ops.sum, some, undefined, { timeoutMs: 30_000 });
    for (let i = 0; i < 200; i++) expect(await quick()).toBe(7);
    const since = performance.now();
    await until(() => performance.now() - since > 100);
    const gate = new Gate();
    gate.open();
    const params = { gate: gate.words };
    expect(await mill.run(ops.holdAsync, some, params, { timeoutMs: 30_000 })).toBe(7);
  });

  test.each([0, -1, NaN, Infinity, 2 ** 31])('of %d ms is refused', async (timeoutMs) => {
    expect(await codeOf(mill.run(ops.sum, some, undefined, { timeoutMs }))).toBe('ERR_INVALID_ARG');
  });
});
