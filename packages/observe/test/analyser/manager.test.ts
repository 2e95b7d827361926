// What the analyser says of a real buffer manager, against that manager's own figures.

import { BufferManager, BufferPools, type ManagedBuffer } from '@millrace/core';
import { BufferAnalyzer, traceEventOf } from '@millrace/observe';
import { expect, test } from 'vitest';
import { Random } from '../../dist/trace/random.js';

const MiB = 1024 * 1024;

test('the buffers of a manager are analysed as the manager counts them', () => {
  let nowMs = 1_700_000_000_000;
  const analyzer = new BufferAnalyzer({}, () => nowMs);
  const pools = BufferPools.create({ memory: 64 * MiB }, 0);
  const manager = new BufferManager(
    pools,
    {},
    { nowMs: () => nowMs, onEvent: (event) => analyzer.processEvent(traceEventOf(event)) },
  );
  const random = new Random(7);
  const held: { buffer: ManagedBuffer; sinceMs: number }[] = [];
  const lifetimes: number[] = [];
  let gets = 0;
  let asked = 0;
  let most = 0;
  for (let step = 0; step < 5000; step++) {
    nowMs += 1 + Math.floor(random.exponential(20));
    if (random.next() < 0.5 && held.length < 30) {
      const size = random.between(1, 2 * MiB);
      const tag = size % 2 === 0 ? 'even' : 'odd';
      held.push({ buffer: manager.getBuffer(size, { tag }), sinceMs: nowMs });
      gets += 1;
      asked += size;
      most = Math.max(most, held.length);
    } else {
      const [taken] = held.splice(Math.floor(random.next() * held.length), 1);
      taken?.buffer.release();
      if (taken) lifetimes.push(nowMs - taken.sinceMs);
    }
  }

  const metrics = manager.metrics();
  const { patterns, trends, predictions } = analyzer.analyzePerformance();
  const classes = patterns.filter(({ tag }) => tag === undefined);
  const tags = patterns.filter(({ tag }) => tag !== undefined);
  expect(classes.map(({ name }) => name)).toEqual(['small', 'medium', 'large', 'huge']);

  // The whole run is shorter than the window.
  const inAll = (value: (pattern: (typeof patterns)[number]) => number, of = classes): number =>
    of.reduce((sum, pattern) => sum + pattern.usageFrequency * value(pattern), 0) /
    of.reduce((sum, pattern) => sum + pattern.usageFrequency, 0);
  expect(inAll(({ averageSize }) => averageSize) / (asked / gets)).toBeCloseTo(1, 2);
  expect(inAll(({ averageSize }) => averageSize, tags) / (asked / gets)).toBeCloseTo(1, 2);
  const mean = lifetimes.reduce((sum, ms) => sum + ms, 0) / lifetimes.length;
  expect(inAll(({ lifetimeMeanMs }) => lifetimeMeanMs) / mean).toBeCloseTo(1, 1);

  const { nextHour } = predictions;
  const { smallBuffers, mediumBuffers, largeBuffers, hugeBuffers } = nextHour;
  expect(smallBuffers + mediumBuffers + largeBuffers + hugeBuffers).toBeGreaterThanOrEqual(most);
  expect(nextHour.peakMemory).toBeLessThanOrEqual(metrics.peakMemoryUsage);
  expect(nextHour.peakMemory).toBeGreaterThan(0.5 * metrics.peakMemoryUsage);
  expect(trends.predictedPeakMs).toBe(undefined);
  for (const { buffer } of held) buffer.release();
  manager.close();
});
