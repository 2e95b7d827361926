import { readFileSync } from 'node:fs';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { expect, test } from 'vitest';
import { MiB, text } from './content.ts';
import { fileOf, newPath } from './temporary.ts';
import { expectSound, killAll, killOne, whole } from './threads.ts';

/** Seconds on a quiet machine; a busy one may take its time. */
const slow = { timeout: 180_000 };

test('100 files are packed right, each with a thread killed at a random moment', slow, async () => {
  const threads = 2;
  await using mill = await createMill({ threads });
  const input = text(5 * MiB);
  const from = fileOf(input);
  const to = newPath();
  const params = { level: 6 };
  const expected = Buffer.from(await mill.run(gzip, input, params));
  const { elapsedMs } = await mill.pump({ from, op: gzip, params, to });

  let retries = 0;
  for (let round = 0; round < 100; round++) {
    const moment = Math.random() * elapsedMs;
    const pumping = mill.pump({ from, op: gzip, params, to });
    const killing = new Promise((resolve) => setTimeout(resolve, moment)).then(() =>
      killOne(mill, round),
    );
    const report = await pumping;
    await killing;
    retries += report.retries;
    expect(readFileSync(to).equals(expected), `killed after ${moment} ms`).toBe(true);
    await whole(mill, threads);
  }
  expect(mill.stats().deaths).toBe(100);
  // Most were killed at work.
  expect(retries).toBeGreaterThan(20);
  expectSound(mill, threads);
});

test('300 kills on an idle mill leak no id', slow, async () => {
  const threads = 10;
  await using mill = await createMill({ threads, memory: 4 * MiB, maxDeathsInARow: Infinity });
  await whole(mill, threads);
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
