import { createMill, type Mill, type Slice } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { failureOf } from './failure.ts';
import type * as Functions from './functions.mjs';
import type { Hold } from './functions.mjs';
import { Gate } from './gate.ts';
import { expectSound, killAll, whole } from './threads.ts';

const THREADS = 2;
const url = new URL('functions.mjs', import.meta.url);
let mill: Mill;
let functions: typeof Functions;
let slice: Slice;
beforeEach(async () => {
  mill = await createMill({ threads: THREADS, graceMs: 10 });
  functions = await mill.load<typeof Functions>(url);
  slice = mill.buffers.acquire(100);
  slice.bytes[0] = 7;
});
afterEach(async () => {
  // The lender's lease is as it was.
  expect(slice.bytes[0]).toBe(7);
  slice.release();
  await whole(mill, THREADS);
  expect(await mill.call(functions.add, [1, 2])).toBe(3);
  expectSound(mill, THREADS);
  await mill.close();
});

describe('a thread that dies while it is at a function', () => {
  test.each<Hold>(['exit', 'throw from a timer', 'blocked', 'loop', 'asleep'])(
    'fails that call alone, and leaves no slice behind: %s',
    async (how) => {
      const gate = new Gate();
      const failure = failureOf(mill.call(functions.hold, [gate.words, slice, how]));
      await gate.reached(1);
      if (how === 'blocked' || how === 'loop' || how === 'asleep') await killAll(mill);
      const error = await failure;
      expect(error.code).toBe('ERR_WORKER_DIED');
      expect(error.message).toContain('"hold"');
    },
  );

  test('is followed by another where the function may be called again', async () => {
    const gate = new Gate();
    const call = mill.call(functions.exits, [gate.words, 2], { idempotent: true });
    expect(await call).toBe('survived');
    expect(gate.arrived).toBe(3);
  });

  test('is not where it may not, as by default', async () => {
    const gate = new Gate();
    const error = await failureOf(mill.call(functions.exits, [gate.words, 1]));
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(gate.arrived).toBe(1);
  });

  test('loses no slice, wherever in a stream of calls it is', async () => {
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 200 }, async (_, i) => {
        const result = await mill.call(functions.fresh, [[10 + i, 5000]]);
        for (const { slice: mine } of result.values()) mine.release();
      });
      const outcomes = Promise.allSettled(calls);
      await new Promise((resolve) => setImmediate(resolve));
      await killAll(mill);
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({ code: 'ERR_WORKER_DIED' });
        }
      }
      await whole(mill, THREADS);
      expect(mill.stats().slices.live).toBe(1);
    }
  });
});

describe('a call that is stopped', () => {
  test('gives back what the function has returned nevertheless', async () => {
    const gate = new Gate();
    const controller = new AbortController();
    const patient = await createMill({ threads: 1 });
    try {
      using lent = patient.buffers.acquire(10);
      const failure = failureOf(
        patient.call(functions.hold, [gate.words, lent, 'blocked'], { signal: controller.signal }),
      );
      await gate.reached(1);
      controller.abort();
      gate.open();
      expect((await failure).code).toBe('ERR_ABORTED');
      expect(patient.stats()).toMatchObject({ deaths: 0, slices: { live: 1 } });
    } finally {
      await patient.close();
    }
  });

  test('ends with its thread when its time is up', async () => {
    const gate = new Gate();
    const error = await failureOf(
      mill.call(functions.hold, [gate.words, slice, 'loop'], { timeoutMs: 20 }),
    );
    expect(error.code).toBe('ERR_TIMEOUT');
    expect(error.message).toContain('"hold"');
    await whole(mill, THREADS);
  });

  test('does not begin when it was stopped before', async () => {
    const call = mill.call(functions.add, [1, 2], { signal: AbortSignal.abort() });
    expect((await failureOf(call)).code).toBe('ERR_ABORTED');
  });
});

test('a function that fails is called again as often as wanted', async () => {
  const error = await failureOf(mill.call(functions.fails, ['range'], { retry: { times: 2 } }));
  expect(error.code).toBe('ERR_OP_FAILED');
  expect(mill.stats().tasks).toMatchObject({ submitted: 1, failed: 1, run: 3 });
});
