import { createMill, type Mill } from '@millrace/workers';
import { describe, expect, test } from 'vitest';
import { Gate } from './gate.ts';
import * as ops from './ops.mjs';
import { late } from './slow-ops.mjs';
import { expectSound, killAll, whole } from './threads.ts';
import { until } from './until.ts';

const some = new Uint8Array([7]);

/**
 * Keeps so many threads busy at one time, and lets them go.
 *
 * @returns how many there were meanwhile: after that some may be idle for long, while the last waits for a processor
 */
async function occupy(mill: Mill, threads: number): Promise<number> {
  const gate = new Gate();
  const held = Array.from({ length: threads }, () =>
    mill.run(ops.hold, some, { gate: gate.words }),
  );
  await gate.reached(threads);
  const busy = mill.stats().threads.length;
  gate.open();
  await Promise.all(held);
  return busy;
}

describe('a mill with fewer threads than it may have', () => {
  test('starts them when tasks wait, and ends them when they have nothing to do, again and again', async () => {
    await using mill = await createMill({ threads: 4, minThreads: 1, idleTimeoutMs: 50 });
    expect(mill.stats().threads).toHaveLength(1);
    for (let round = 0; round < 3; round++) {
      expect(await occupy(mill, 4)).toBe(4);
      await whole(mill, 1);
    }
    expect(mill.stats()).toMatchObject({ deaths: 0, recycled: 0, tasks: { rerun: 0, failed: 0 } });
    expect(mill.stats().slices.swept).toBe(0);
    expectSound(mill, 1);
  });

  test('may have none, and starts one for the first task', async () => {
    await using mill = await createMill({ threads: 2, minThreads: 0, idleTimeoutMs: 50 });
    expect(mill.stats().threads).toEqual([]);
    expect(await mill.run(ops.sum, some)).toBe(7);
    await whole(mill, 0);
    expect(await mill.run(ops.sum, some)).toBe(7);
  });

  test('starts no more than it needs', async () => {
    await using mill = await createMill({ threads: 8, minThreads: 1 });
    expect(await occupy(mill, 2)).toBe(2);
    for (let i = 0; i < 500; i++) await mill.run(ops.sum, some);
    expect(mill.stats().threads).toHaveLength(2);
  });

  test('does not end a thread that is at a long task, or holds asynchronous ones', async () => {
    await using mill = await createMill({ threads: 3, minThreads: 0, idleTimeoutMs: 20 });
    const gate = new Gate();
    const params = { gate: gate.words };
    const held = [ops.hold, ops.holdAsync, ops.hold].map((op) => mill.run(op, some, params));
    await gate.reached(3);
    const { threads } = mill.stats();
    // An idle mill of the same settings loses its thread meanwhile.
    await using idle = await createMill({ threads: 1, minThreads: 0, idleTimeoutMs: 20 });
    for (let i = 0; i < 3; i++) {
      await idle.run(ops.sum, some);
      await whole(idle, 0);
    }
    const ids = threads.map(({ id }) => id);
    const later = mill.stats().threads.map(({ id }) => id);
    // The one with the asynchronous task may have shared it with another, which was free to go.
    expect(ids).toEqual(expect.arrayContaining(later));
    expect(later.length).toBeGreaterThanOrEqual(2);
    gate.open();
    expect(await Promise.all(held)).toEqual([7, 7, 7]);
  });

  test('replaces threads that die, and goes on shrinking', async () => {
    await using mill = await createMill({ threads: 3, minThreads: 1, idleTimeoutMs: 50 });
    await occupy(mill, 3);
    await killAll(mill);
    expect(await mill.run(ops.sum, some)).toBe(7);
    await whole(mill, 1);
    expect(mill.stats().deaths).toBeGreaterThan(0);
    expectSound(mill, 1);
  });

  test('does not end a thread that has not begun yet, or none would ever run a task', async () => {
    await using mill = await createMill({ threads: 1, minThreads: 0, idleTimeoutMs: 1 });
    await mill.warmUp(late);
    expect(await mill.run(late)).toBe('at last');
  });

  test('loses no task while threads come and go', async () => {
    await using mill = await createMill({ threads: 3, minThreads: 0, idleTimeoutMs: 5 });
    let sums = 0;
    for (let round = 0; round < 40; round++) {
      const batch = Array.from({ length: 1 + (round % 7) }, () => mill.run(ops.sum, some));
      sums += (await Promise.all(batch)).length;
      // Now at work again before the threads have gone, now after, now while they go.
      if (round % 3 === 0) await until(() => mill.stats().threads.length < 2);
      if (round % 3 === 1) await whole(mill, 0);
    }
    expect(mill.stats().tasks).toMatchObject({ completed: sums, failed: 0, rerun: 0, run: sums });
  });
});
