import { createMill, type Mill } from '@millrace/workers';
import { afterEach, describe, expect, test } from 'vitest';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { runScript } from './programs.ts';
import { hoard, whereLater, whereabouts } from './thread-ops.mjs';
import { expectSound, whole } from './threads.ts';
import { until } from './until.ts';

const THREADS = 2;
const some = new Uint8Array([7]);
let mill: Mill;

/** What holds after any recycling: nobody has died, no task was lost or run twice, nothing is held. */
afterEach(async () => {
  await until(() => mill.stats().tasks.inFlight === 0);
  await whole(mill, THREADS);
  const { tasks, deaths, health } = mill.stats();
  expect({ deaths, health, rerun: tasks.rerun, failed: tasks.failed }).toEqual({
    deaths: 0,
    health: 'ok',
    rerun: 0,
    failed: 0,
  });
  expect(tasks.run).toBe(tasks.completed);
  expect(mill.stats().slices.swept).toBe(0);
  expectSound(mill, THREADS);
  await mill.close();
});

describe('a thread that is recycled after some tasks', () => {
  test('runs exactly so many, and another takes its place', async () => {
    mill = await createMill({ threads: THREADS, recycle: { afterTasks: 5 } });
    const runs = await Promise.all(Array.from({ length: 60 }, () => mill.run(whereabouts, some)));
    const most = new Map<number, number>();
    for (const { threadId, tasks } of runs) {
      most.set(threadId, Math.max(tasks, most.get(threadId) ?? 0));
    }
    expect(Math.max(...most.values())).toBe(5);
    expect(most.size).toBeGreaterThanOrEqual(12);
    await until(() => mill.stats().recycled >= 11);
  });

  test('may be new for each task', async () => {
    mill = await createMill({ threads: THREADS, recycle: { afterTasks: 1 } });
    const runs = await Promise.all(Array.from({ length: 10 }, () => mill.run(whereabouts, some)));
    expect(new Set(runs.map(({ threadId }) => threadId)).size).toBe(10);
    expect(runs.map(({ tasks }) => tasks)).toEqual(runs.map(() => 1));
  });

  test('finishes the asynchronous tasks that it has begun', async () => {
    mill = await createMill({ threads: THREADS, recycle: { afterTasks: 10 } });
    await whole(mill, THREADS);
    const gate = new Gate();
    const held = Array.from({ length: 10 * THREADS }, () =>
      mill.run(ops.holdAsync, some, { gate: gate.words }),
    );
    // All threads have taken their share; the rest waits for those that come after them.
    await gate.reached(10 * THREADS);
    const rest = Array.from({ length: 20 }, () => mill.run(ops.sum, some));
    await new Promise(setImmediate);
    expect(mill.stats()).toMatchObject({ recycled: 0, tasks: { inFlight: 10 * THREADS + 20 } });
    gate.open();
    expect(await Promise.all([...held, ...rest])).toEqual([...held, ...rest].map(() => 7));
    await until(() => mill.stats().recycled >= THREADS);
  });

  test('gives its stock of slices back before it goes', async () => {
    mill = await createMill({ threads: THREADS, recycle: { afterTasks: 3 } });
    for (let i = 0; i < 30; i++) await mill.run(ops.double, new Uint8Array(50_000));
    await until(() => mill.stats().recycled >= 8);
    expect(mill.stats().slices.swept).toBe(0);
  });
});

test('a thread that is recycled by age makes way for another, under load and idle', async () => {
  mill = await createMill({ threads: THREADS, recycle: { afterMs: 100 } });
  const seen = new Set<number>();
  await until(async () => {
    const now = Array.from(
      { length: 40 },
      async () => (await mill.run(whereabouts, some)).threadId,
    );
    const later = Array.from({ length: 40 }, () => mill.run(whereLater, some));
    for (const threadId of await Promise.all([...now, ...later])) seen.add(threadId);
    return seen.size >= 6;
  });
  const { recycled } = mill.stats();
  await until(() => mill.stats().recycled >= recycled + THREADS);
  expect(recycled).toBeGreaterThanOrEqual(4);
});

test('never are all threads away at a time when they are recycled by age', async () => {
  mill = await createMill({ threads: THREADS, recycle: { afterMs: 50 } });
  await whole(mill, THREADS);
  let least = THREADS;
  await until(() => {
    least = Math.min(least, mill.stats().threads.length);
    return mill.stats().recycled >= 6;
  });
  expect(least).toBe(THREADS - 1);
});

test('a thread whose heap has grown makes way for another', async () => {
  mill = await createMill({ threads: THREADS, recycle: { overBytes: 48 * 1024 * 1024 } });
  const seen = new Set<number>();
  await until(async () => {
    seen.add(await mill.run(hoard, some, { numbers: 500_000 }));
    return mill.stats().recycled >= 3;
  });
  expect(seen.size).toBeGreaterThanOrEqual(3);
});

test('what an op has printed before its thread was recycled is not lost', async () => {
  mill = await createMill({ threads: THREADS });
  const { exitCode, stdout } = await runScript('printing.mjs');
  expect(exitCode).toBe(0);
  expect(stdout.split('\n')).toHaveLength(3 * 2000 + 1);
});

test('a flow comes to its right end through threads that are recycled all the time', async () => {
  mill = await createMill({ threads: THREADS, recycle: { afterTasks: 3 } });
  const input = new Uint8Array(64 * 1024 * 40).map((_, i) => i >> 10);
  const output = await mill.run(ops.copy, input);
  expect(Buffer.compare(output, input)).toBe(0);
  expect(mill.stats().recycled).toBeGreaterThan(4);
});
