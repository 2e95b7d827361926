/** Tasks that are tried again when they have failed. */
import { createMill, type Mill } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import { Log } from './log.ts';
import * as ops from './ops.mjs';
import * as terms from './terms-ops.mjs';
import { expectSound, killOne, whole } from './threads.ts';
import { until } from './until.ts';

const some = new Uint8Array([7]);
let mill: Mill;
let log: Log;
let threads = 2;

async function start(count: number): Promise<void> {
  threads = count;
  mill = await createMill({ threads: count });
  log = new Log();
}

afterEach(async () => {
  await whole(mill, threads);
  expectSound(mill, threads);
  await mill.close();
});

describe('a task with retries', () => {
  beforeEach(() => start(2));

  test('succeeds when one of them does', async () => {
    const params = { log: log.words, times: 3 };
    expect(await mill.run(terms.failsFirst, some, params, { retry: { times: 3 } })).toBe(3);
    expect(mill.stats().tasks).toMatchObject({ retried: 3, completed: 1, failed: 0 });
  });

  test('fails with the last error when none does, having run once more than it has retries', async () => {
    const params = { log: log.words, times: 99 };
    const error = await failureOf(
      mill.run(terms.failsFirst, some, params, { retry: { times: 2 } }),
    );
    expect(error).toMatchObject({ code: 'ERR_OP_FAILED', cause: { message: 'failure 2' } });
    expect(log.length).toBe(3);
  });

  test('runs on another thread each time', async () => {
    // A mill is there with its first thread.
    await whole(mill, threads);
    const params = { log: log.words, times: 9 };
    await mill.run(terms.failsFirst, some, params, { retry: { times: 9 } });
    const on = log.entries;
    expect(on).toHaveLength(10);
    for (const [i, thread] of on.slice(1).entries()) expect(thread).not.toBe(on[i]);
  });

  test('is not held up by others that wait for a busy thread', async () => {
    // One thread is held; all that it is to be tried on next is the other.
    const gate = new Gate();
    const held = mill.run(ops.hold, some, { gate: gate.words });
    await gate.reached(1);
    const params = { log: log.words, times: 1 };
    const tried = mill.run(terms.failsFirst, some, params, { retry: { times: 1 } });
    await until(() => log.length === 1);
    expect(await mill.run(ops.sum, some)).toBe(7);
    gate.open();
    await held;
    expect(await tried).toBe(1);
  });

  test('waits longer each time, as long as its backoff says', async () => {
    const since = Date.now();
    const retry = { times: 3, backoffMs: 40 };
    await codeOf(mill.run(terms.failsAt, some, { log: log.words, since }, { retry }));
    const at = log.entries;
    const waits = at.slice(1).map((ms, i) => ms - at[i]!);
    // Timers may fire a millisecond early.
    expect(waits[0]).toBeGreaterThanOrEqual(39);
    expect(waits[1]).toBeGreaterThanOrEqual(79);
    expect(waits[2]).toBeGreaterThanOrEqual(159);
  });

  test('can be aborted while it waits, and is not tried again', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const retry = { times: 5, backoffMs: 600_000 };
    const params = { log: log.words, times: 99 };
    const outcome = codeOf(mill.run(terms.failsFirst, some, params, { retry, signal }));
    await until(() => mill.stats().tasks.retried === 1);
    expect(mill.stats().tasks.inFlight).toBe(1);
    controller.abort();
    expect(await outcome).toBe('ERR_ABORTED');
    expect(log.length).toBe(1);
  });

  test('is tried on the thread that is left when the other dies meanwhile', async () => {
    const params = { log: log.words, times: 1 };
    for (let round = 0; round < 10; round++) {
      Atomics.store(log.words, 0, 0);
      const outcome = mill.run(terms.failsFirst, some, params, { retry: { times: 1 } });
      const dying = killOne(mill, round);
      expect(await outcome).toBeGreaterThanOrEqual(1);
      await dying;
      await whole(mill, 2);
    }
  });

  test('in place is never tried again', async () => {
    const outcome = mill.run(
      terms.failsFirstInPlace,
      some,
      { log: log.words },
      { retry: { times: 5 } },
    );
    expect(await codeOf(outcome)).toBe('ERR_OP_FAILED');
    expect(log.length).toBe(1);
  });

  test('has its limit of time for each try', async () => {
    const gate = new Gate();
    const retry = { times: 3 };
    const params = { gate: gate.words };
    const outcome = codeOf(mill.run(terms.checks, some, params, { timeoutMs: 20, retry }));
    expect(await outcome).toBe('ERR_TIMEOUT');
    expect(gate.arrived).toBe(1);
  });

  test('many at a time all end, each as it should', async () => {
    const tasks = Array.from({ length: 300 }, async (_, i) => {
      const own = new Log();
      const params = { log: own.words, times: i % 5 };
      const outcome = mill.run(terms.failsFirst, some, params, { retry: { times: 3 } });
      if (i % 5 === 4) expect(await codeOf(outcome)).toBe('ERR_OP_FAILED');
      else expect(await outcome).toBe(i % 5);
    });
    await Promise.all(tasks);
  });

  test.each([{ times: -1 }, { times: 1.5 }, { times: 1, backoffMs: -1 }])(
    'is refused with %o',
    async (retry) => {
      expect(await codeOf(mill.run(ops.sum, some, undefined, { retry }))).toBe('ERR_INVALID_ARG');
    },
  );
});

test('with one thread a task is tried again on that one', async () => {
  await start(1);
  const params = { log: log.words, times: 2 };
  expect(await mill.run(terms.failsFirst, some, params, { retry: { times: 2 } })).toBe(2);
  expect(new Set(log.entries).size).toBe(1);
});
