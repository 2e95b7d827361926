import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createMill } from '@millrace/workers';
import { GivingWay } from '@millrace/workers/internal';
import { describe, expect, test } from 'vitest';
import { breatheUntilCancelled } from './breathing-ops.mjs';
import { failureOf } from './failure.ts';
import { fileOf, newPath } from './temporary.ts';
import { until } from './until.ts';

const HERE = 1;
const ELSEWHERE = 2;
const MOST_THREADS = 120;

describe('a thread that computes', () => {
  test('gives way when the mill waits for its processor', () => {
    expect(napsOf({ mill: stat('R', HERE) })).toBe(1);
  });

  test.each([
    ['sleeps', stat('S', HERE)],
    ['has, or waits for, another processor', stat('R', ELSEWHERE)],
    ['has a name that looks like a state', stat('S', HERE, '1 (node) R 1')],
    ['is told of in no way that it knows', ''],
  ])('goes on when the mill %s', (_, mill) => {
    expect(napsOf({ mill })).toBe(0);
  });

  test('goes on where nothing is told of threads', () => {
    expect(napsOf({ millPath: undefined })).toBe(0);
    expect(napsOf({ millPath: newPath() })).toBe(0);
    expect(napsOf({ mill: stat('R', HERE), ownPath: undefined })).toBe(0);
  });

  test('looks anew whenever the mill is woken', () => {
    const mill = fileOf(stat('S', HERE));
    let naps = 0;
    const givingWay = new GivingWay({ mill, own: runningHere(), onNap: () => naps++ });
    const seen = ['S', 'R', 'S', 'R', 'R'].map((state) => {
      writeFileSync(mill, stat(state, HERE));
      givingWay.breathe(true);
      return naps;
    });
    expect(seen).toEqual([0, 1, 1, 2, 3]);
  });

  test('looks no more than twice a millisecond else, however often it breathes', () => {
    let naps = 0;
    const givingWay = new GivingWay({
      mill: runningHere(),
      own: runningHere(),
      onNap: () => naps++,
    });
    const began = performance.now();
    for (let i = 0; i < 1000; i++) givingWay.breathe(false);
    expect(naps).toBeGreaterThan(0);
    expect(naps).toBeLessThanOrEqual(1 + (performance.now() - began) * 2);
  });
});

test.runIf(process.platform === 'linux')(
  "the mill's thread has its turn among more threads at work than there are processors",
  async () => {
    const threads = Math.min(MOST_THREADS, 2 * availableParallelism());
    await using mill = await createMill({ threads });
    const controller = new AbortController();
    const { signal } = controller;
    const tasks = Array.from({ length: threads }, () =>
      failureOf(mill.run(breatheUntilCancelled, undefined, undefined, { signal })),
    );
    await until(() => mill.stats().gaveWay > 0);
    controller.abort();
    for (const { code } of await Promise.all(tasks)) expect(code).toBe('ERR_ABORTED');
  },
);

/** How often it gives way in one breath. */
function napsOf(told: {
  mill?: string;
  millPath?: string | undefined;
  ownPath?: undefined;
}): number {
  const mill = 'mill' in told ? fileOf(told.mill) : told.millPath;
  const own = 'ownPath' in told ? undefined : runningHere();
  let naps = 0;
  new GivingWay({ mill, own, onNap: () => naps++ }).breathe(false);
  return naps;
}

/** Where a thread is told of that runs. */
function runningHere(): string {
  return fileOf(stat('R', HERE));
}

/** A line as Linux writes it: number, name, state, 35 fields, processor, 13 fields. */
function stat(state: string, processor: number, name = 'node'): string {
  const before = Array.from({ length: 35 }, (_, field) => field);
  const after = Array.from({ length: 13 }, (_, field) => field);
  return `4711 (${name}) ${[state, ...before, processor, ...after].join(' ')}\n`;
}
