/** What the process and the machine say of memory, on this and on other versions of Node. */
import { memoryProbes, processMemory, type ProcessFigures } from '@millrace/workers/internal';
import { writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { expect, test, vi } from 'vitest';
import { newPath } from '../temporary.ts';
import { stall } from './tree.ts';

const NO_STALL = '/nowhere';

function figures(changed: Partial<ProcessFigures> = {}): ProcessFigures {
  return {
    platform: 'linux',
    memoryUsage: { rss: () => 40 },
    constrainedMemory: () => 0,
    availableMemory: () => 300,
    ...changed,
  };
}

test('a process with a limit is judged by its own resident memory', () => {
  const probe = processMemory(figures({ constrainedMemory: () => 200 }), 1000, NO_STALL);
  expect(probe()).toEqual({ source: 'process', usedBytes: 40, limitBytes: 200 });
});

test.each<[string, number | undefined]>([
  ['0', 0],
  ['undefined', undefined],
  ['more than there is', 2 ** 64],
  ['all there is', 1000],
])('a limit of %s is none, and the machine counts', (_, limit) => {
  const probe = processMemory(figures({ constrainedMemory: () => limit }), 1000, NO_STALL);
  expect(probe()).toEqual({ source: 'system', usedBytes: 700, limitBytes: 1000 });
});

test('a Node that cannot tell has nothing to say', () => {
  const { platform, memoryUsage } = figures();
  expect(processMemory({ platform, memoryUsage }, 1000, NO_STALL)()).toBeUndefined();
  expect(
    processMemory({ platform, memoryUsage, availableMemory: () => 300 }, 1000, NO_STALL)(),
  ).toMatchObject({ source: 'system', usedBytes: 700 });
});

test('what macOS calls free is less than can be had, and not counted', () => {
  expect(processMemory(figures({ platform: 'darwin' }), 1000, NO_STALL)()).toBeUndefined();
});

test('the machine tells of time lost to waiting where it can', () => {
  const path = newPath('stall');
  writeFileSync(path, stall(21));
  expect(processMemory(figures(), 1000, path)()).toMatchObject({ stalledPercent: 21 });
});

test('the limit is read now and then, since it may change and takes long to read', () => {
  let limit = 200;
  const constrainedMemory = vi.fn<() => number>(() => limit);
  const probe = processMemory(figures({ constrainedMemory }), 1000, NO_STALL);
  for (let i = 0; i < 64; i++) expect(probe()?.limitBytes).toBe(200);
  expect(constrainedMemory).toHaveBeenCalledTimes(1);
  limit = 100;
  expect(probe()?.limitBytes).toBe(100);
});

test('on this machine each source says what can be', () => {
  const readings = memoryProbes().flatMap((probe) => probe() ?? []);
  const sources = readings.map(({ source }) => source);
  expect(new Set(sources).size).toBe(sources.length);
  for (const { usedBytes, limitBytes, stalledPercent = 0 } of readings) {
    expect(usedBytes).toBeGreaterThanOrEqual(0);
    expect(limitBytes).toBeGreaterThan(0);
    if (limitBytes < Infinity) {
      expect(usedBytes).toBeGreaterThan(0);
      expect(limitBytes).toBeLessThanOrEqual(totalmem());
    }
    expect(stalledPercent).toBeGreaterThanOrEqual(0);
    expect(stalledPercent).toBeLessThanOrEqual(100);
  }
  if (process.platform === 'linux') {
    expect(sources.some((source) => source === 'process' || source === 'system')).toBe(true);
  }
});
