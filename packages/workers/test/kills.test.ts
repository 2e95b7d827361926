import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { expect, test } from 'vitest';
import { MiB, text } from './content.ts';
import { grind } from './ops.mjs';
import { runScript } from './programs.ts';
import { expectSound, killAll, killOne, whole } from './threads.ts';

/** Seconds on a quiet machine; a busy one may take its time. */
const slow = { timeout: 180_000 };

test('100 files are packed right, each with a thread killed at a random moment', slow, async () => {
  let right = 0;
  let aborts = 0;
  while (right < 100) {
    const { exitCode, stdout, stderr } = await runScript('kill-while-packing.mjs', '25');
    right += stdout.length;
    if (exitCode === 0) continue;
    // Node.js itself aborts when a thread is terminated between the making of a zlib handle and its
    // initialization, once in a thousand times or so. Anything else is our fault.
    expect(stderr).toContain('close before init');
    expect(++aborts).toBeLessThan(10);
  }
});

test(
  'an op in plain JavaScript comes to its right end, though a thread is killed each time',
  slow,
  async () => {
    const threads = 2;
    await using mill = await createMill({ threads });
    const input = text(5 * MiB);
    const expected = Buffer.from(await mill.run(grind, input));
    const began = performance.now();
    await mill.run(grind, input);
    const typicalMs = performance.now() - began;

    for (let round = 0; round < 30; round++) {
      const moment = Math.random() * typicalMs;
      const running = mill.run(grind, input);
      await new Promise((resolve) => setTimeout(resolve, moment));
      await killOne(mill, round);
      expect(expected.equals(await running), `killed after ${moment} ms`).toBe(true);
      await whole(mill, threads);
    }
    expect(mill.stats().deaths).toBe(30);
    // Most were killed at work.
    expect(mill.stats().tasks.rerun).toBeGreaterThan(10);
    expectSound(mill, threads);
  },
);

test('300 kills on an idle mill leak no id', slow, async () => {
  const threads = 10;
  await using mill = await createMill({ threads, memory: 4 * MiB });
  for (let kills = 0; kills < 300; kills += threads) {
    await killAll(mill);
    await whole(mill, threads);
  }
  expect(mill.stats()).toMatchObject({ deaths: 300, tasks: { submitted: 0 } });
  expectSound(mill, threads);
  // Ids are given out from the lowest: a leak would drive them up.
  expect(Math.max(...mill.buffers.registry.stats().alive)).toBeLessThanOrEqual(2 * threads + 1);
  expect((await mill.run(gzip, text(MiB))).length).toBeGreaterThan(0);
});
