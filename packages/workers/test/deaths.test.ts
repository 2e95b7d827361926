import { dirname } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { gunzipSync } from 'node:zlib';
import { createMill, type Mill } from '@millrace/workers';
import { workersOf } from '@millrace/workers/internal';
import { gzip } from '@millrace/workers/ops';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MiB, text } from './content.ts';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { namesIn, newPath } from './temporary.ts';
import { expectSound, killAll, killOne, whole } from './threads.ts';
import { until } from './until.ts';

const THREADS = 2;
let mill: Mill;
beforeEach(async () => {
  // Tests kill more threads than any mill puts up with.
  mill = await createMill({ threads: THREADS, maxDeathsInARow: Infinity });
  await whole(mill, THREADS);
});
afterEach(async () => {
  await whole(mill, THREADS);
  // Every thread works, those that came last too.
  const gate = new Gate();
  const held = Array.from({ length: THREADS }, () =>
    mill.run(ops.hold, some, { gate: gate.words }),
  );
  await gate.reached(THREADS);
  gate.open();
  expect(await Promise.all(held)).toEqual([7, 7]);
  expectSound(mill, THREADS);
  await mill.close();
});

const some = new Uint8Array([7]);

/** The worker that runs the task which has come to the gate; the other one is made busy first. */
async function busyWith<T>(start: (gate: Gate) => Promise<T>) {
  const other = new Gate();
  const occupied = mill.run(ops.hold, some, { gate: other.words });
  await other.reached(1);
  const gate = new Gate();
  const outcome = start(gate);
  await gate.reached(1);
  return { gate, outcome, occupied, freeOther: () => other.open() };
}

describe('a thread that dies', () => {
  test('while it is idle is replaced', async () => {
    await killOne(mill);
    await whole(mill, THREADS);
    expect(mill.stats()).toMatchObject({ deaths: 1, tasks: { rerun: 0 } });
  });

  test('is not missed by tasks that come before it is replaced', async () => {
    for (let round = 0; round < 10; round++) {
      const dying = killOne(mill, round);
      const results = Array.from({ length: 50 }, (_, i) => mill.run(ops.sum, new Uint8Array([i])));
      expect(await Promise.all(results)).toEqual(Array.from({ length: 50 }, (_, i) => i));
      await dying;
    }
  });

  test('leaves its task to another: an op that can run again', async () => {
    const gate = new Gate();
    const tasks = Array.from({ length: THREADS }, () =>
      mill.run(ops.hold, some, { gate: gate.words }),
    );
    await gate.reached(THREADS);
    await killOne(mill);
    // The one that was killed begins again.
    await gate.reached(THREADS + 1);
    gate.open();
    expect(await Promise.all(tasks)).toEqual([7, 7]);
    expect(mill.stats()).toMatchObject({ deaths: 1, tasks: { rerun: 1, failed: 0, completed: 2 } });
  });

  test('leaves its asynchronous tasks to another, all of them', async () => {
    const gate = new Gate();
    const tasks = Array.from({ length: 20 }, () =>
      mill.run(ops.holdAsync, some, { gate: gate.words }),
    );
    await gate.reached(20);
    await killAll(mill);
    await gate.reached(40);
    gate.open();
    expect(await Promise.all(tasks)).toEqual(tasks.map(() => 7));
    expect(mill.stats()).toMatchObject({ deaths: 2, tasks: { rerun: 20, failed: 0 } });
  });

  test('fails its task when that has changed bytes in place, and the slice stays with the caller', async () => {
    using slice = mill.buffers.acquire(100);
    const { gate, outcome, occupied, freeOther } = await busyWith((g) =>
      failureOf(mill.run(ops.holdInPlace, slice, { gate: g.words })),
    );
    await killAll(mill);
    const error = await outcome;
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(error.message).toContain('"holdInPlace"');
    expect(slice.live).toBe(true);
    expect(gate.arrived).toBe(1);
    freeOther();
    expect(await occupied).toBe(7);
  });

  test('gives bytes back that were copied for a task in place', async () => {
    const { outcome, occupied, freeOther } = await busyWith((g) =>
      codeOf(mill.run(ops.holdInPlace, some, { gate: g.words })),
    );
    await killAll(mill);
    expect(await outcome).toBe('ERR_WORKER_DIED');
    freeOther();
    await occupied;
    expect(mill.stats().slices.live).toBe(0);
  });

  test('does not harm the tasks that have ended, or wait', async () => {
    const gate = new Gate();
    const held = Array.from({ length: THREADS }, () =>
      mill.run(ops.hold, some, { gate: gate.words }),
    );
    await gate.reached(THREADS);
    const waiting = Array.from({ length: 6000 }, (_, i) =>
      mill.run(ops.invert, new Uint8Array([i])).then(([byte]) => byte),
    );
    await killAll(mill);
    gate.open();
    expect(await Promise.all(held)).toEqual([7, 7]);
    expect(await Promise.all(waiting)).toEqual(waiting.map((_, i) => 255 - (i % 256)));
  });
});

describe('an op that calls process.exit', () => {
  test.each([0, 1, 7])('with code %d once or twice is run again', async (code) => {
    for (const times of [1, 2]) {
      const gate = new Gate();
      expect(await mill.run(ops.exit, some, { gate: gate.words, times, code })).toBe(7);
      expect(gate.arrived).toBe(times + 1);
    }
    expect(mill.stats()).toMatchObject({ deaths: 3, tasks: { rerun: 3, failed: 0 } });
  });

  test.each([0, 1])('with code %d always fails after the third time', async (code) => {
    const gate = new Gate();
    const error = await failureOf(mill.run(ops.exit, some, { gate: gate.words, times: 99, code }));
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(error.message).toContain('"exit"');
    expect(gate.arrived).toBe(3);
  });

  test('in a flow is run again, and fails the flow when it always does', async () => {
    const input = text(2 * MiB);
    const gate = new Gate();
    const output = await mill.run(ops.exitChunk, input, { gate: gate.words, times: 4 });
    expect(Buffer.compare(output, input)).toBe(0);
    const to = newPath();
    const params = { gate: new Gate().words, times: 99 };
    const code = await codeOf(mill.pump({ from: some, op: ops.exitChunk, params, to }));
    expect(code).toBe('ERR_WORKER_DIED');
    expect(namesIn(dirname(to))).toEqual([]);
  });
});

test.each([
  ['timer', 'thrown from a timer'],
  ['rejection', 'rejected, unhandled'],
] as const)(
  'an error that an op leaves to nobody (%s) ends its thread and is the cause',
  async (how, message) => {
    const gate = new Gate();
    const error = await failureOf(mill.run(ops.stray, some, { gate: gate.words, how }));
    expect(error).toMatchObject({ code: 'ERR_WORKER_DIED', cause: { message } });
    expect(error.message).toContain(message);
    expect(gate.arrived).toBe(3);
  },
);

test('every thread killed at once, again and again: a flow comes to its right end', async () => {
  const input = text(6 * MiB);
  const expected = Buffer.from(await mill.run(gzip, input));
  for (let round = 0; round < 5; round++) {
    const { deaths } = mill.stats();
    const running = mill.run(gzip, input);
    await killAll(mill);
    expect(expected.equals(await running)).toBe(true);
    expect(mill.stats().deaths - deaths).toBe(THREADS);
    await whole(mill, THREADS);
  }
  expect(gunzipSync(expected).equals(input)).toBe(true);
});

test('a stream comes to its right end though threads die', async () => {
  const input = text(8 * MiB);
  const stream = mill.stream(ops.copy);
  stream.end(input);
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) {
    pieces.push(piece);
    if (pieces.length % 32 === 1) void killOne(mill, pieces.length);
  }
  expect(Buffer.concat(pieces).equals(input)).toBe(true);
  expect(mill.stats().deaths).toBeGreaterThan(0);
});

test('threads that are killed as soon as they are there do not stop the mill', async () => {
  const killed = new Set<Worker>();
  const outcomes: Promise<unknown>[] = [];
  await until(() => {
    for (const worker of workersOf(mill)) {
      if (killed.has(worker)) continue;
      killed.add(worker);
      void worker.terminate();
      outcomes.push(mill.run(ops.sum, some).catch((error: unknown) => error));
    }
    return killed.size >= 30;
  });
  // A task whose threads have died three times fails; no other does.
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome !== 7) expect(outcome).toMatchObject({ code: 'ERR_WORKER_DIED' });
  }
  expect(mill.stats().deaths).toBeGreaterThan(20);
});

test('a mill that is closed while its threads die ends its tasks first', async () => {
  const other = await createMill({ threads: THREADS });
  const gate = new Gate();
  const tasks = Array.from({ length: 5 }, () => other.run(ops.hold, some, { gate: gate.words }));
  await gate.reached(THREADS);
  const closing = other.close();
  await killAll(other);
  await gate.reached(2 * THREADS);
  gate.open();
  expect(await Promise.all(tasks)).toEqual([7, 7, 7, 7, 7]);
  await closing;
  expect(other.stats()).toMatchObject({
    deaths: expect.any(Number) as number,
    slices: { live: 0 },
  });
});
