// What the analyser sums up with: each against the same reckoned the long way.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Leases, type Lease } from '../../dist/analyser/leases.js';
import { LevelTimes } from '../../dist/analyser/level-times.js';
import { Moments } from '../../dist/analyser/moments.js';
import { shrunkMeans } from '../../dist/analyser/shrunk-means.js';
import { TimeSteps } from '../../dist/analyser/time-steps.js';
import { passesOf } from '../chance.ts';

describe('moments', () => {
  test('are those of all values, however they were merged', () => {
    const parts = fc.array(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true })));
    fc.assert(
      fc.property(parts, (groups) => {
        const whole = new Moments();
        for (const group of groups) {
          const part = new Moments();
          for (const value of group) part.add(value);
          whole.merge(part);
        }
        const values = groups.flat();
        const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(whole.count).toBe(values.length);
        expect(whole.mean).toBeCloseTo(mean, 6);
        const variance = values.length < 2 ? 0 : squares / (values.length - 1);
        expect(Math.abs(whole.variance - variance)).toBeLessThanOrEqual(1e-9 * (1 + variance));
      }),
    );
  });

  test('tell small deviations from a large mean', () => {
    const moments = new Moments();
    for (const value of [1e9, 1e9 + 1, 1e9 + 2]) moments.add(value);
    expect(moments.stdDev).toBeCloseTo(1, 9);
  });
});

describe('the times of a level', () => {
  test('have the percentile that counting says, 1/64 more at most', () => {
    const stays = fc.array(fc.tuple(fc.nat(100_000), fc.integer({ min: 1, max: 1000 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(stays, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
        const times = new LevelTimes();
        for (const [level, ms] of all) times.add(level, ms);
        const total = all.reduce((sum, [, ms]) => sum + ms, 0);
        let ms = 0;
        const sorted = [...all].sort(([a], [b]) => a - b);
        const [exact] = sorted.find(([, forMs]) => (ms += forMs) >= share * total) ?? [0];
        expect(times.percentile(share)).toBeGreaterThanOrEqual(exact);
        expect(times.percentile(share)).toBeLessThanOrEqual(
          exact <= 128 ? exact : exact * (1 + 1 / 64),
        );
        expect(times.mean).toBeCloseTo(all.reduce((sum, [l, f]) => sum + l * f, 0) / total, 6);
      }),
    );
  });

  test('are none at first', () => {
    expect(new LevelTimes().percentile(0.99)).toBe(0);
    expect(new LevelTimes().mean).toBe(0);
  });
});

describe('steps of time', () => {
  const sums = (count: number): TimeSteps<{ ms: number }> =>
    new TimeSteps(10, count, () => ({ ms: 0 }));
  const spend = (cell: { ms: number }, ms: number): void => {
    cell.ms += ms;
  };

  test('get what time is spent in each', () => {
    const steps = sums(3);
    for (const at of [104, 106, 125]) steps.advance(at, spend);
    expect(steps.cells.map(({ ms }) => ms)).toEqual([6, 10, 5]);
    expect(steps.whole().map(({ ms }) => ms)).toEqual([10]);
    expect(steps).toMatchObject({ step: 12, coveredMs: 21 });
    steps.advance(130, spend);
    expect(steps.cells.map(({ ms }) => ms)).toEqual([10, 10, 0]);
    expect(steps.whole().map(({ ms }) => ms)).toEqual([10, 10]);
  });

  test('do not run backwards', () => {
    const steps = sums(3);
    for (const at of [100, 115, 101, 116]) steps.advance(at, spend);
    expect(steps.cells.map(({ ms }) => ms)).toEqual([10, 6]);
  });

  test('hold no more than they may after any gap, and lose no time within them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { minLength: 1 }), (gaps) => {
        const steps = sums(5);
        let now = 1000;
        for (const gap of gaps) steps.advance((now += gap), spend);
        expect(steps.cells.length).toBeLessThanOrEqual(5);
        expect(steps.step).toBe(Math.floor(now / 10));
        expect(steps.cells.reduce((sum, { ms }) => sum + ms, 0)).toBe(steps.coveredMs);
        for (const { ms } of steps.whole()) expect(ms).toBe(10);
      }),
    );
  });
});

describe('leases', () => {
  const lease = (sinceMs: number): Lease => ({
    class: 'small',
    size: 1,
    capacity: 1,
    sinceMs,
    weight: 1,
  });

  test('are remembered up to a bound, beyond which the oldest is given up', () => {
    const leases = new Leases<Lease>(2);
    expect(leases.begin(1, lease(10))).toBe(undefined);
    expect(leases.begin(2, lease(20))).toBe(undefined);
    expect(leases.begin(3, lease(30))?.sinceMs).toBe(10);
    expect(leases.begin(2, lease(40))?.sinceMs).toBe(20);
    expect(leases.begin(4, lease(50))?.sinceMs).toBe(30);
    expect(leases.count).toBe(2);
    expect(leases.end(2)?.sinceMs).toBe(40);
    expect(leases.end(2)).toBe(undefined);
  });
});

describe('shrunk means', () => {
  const byTwo = (at: number): number => at % 2;

  test('are whole where groups differ and their values do not', () => {
    const values = Array.from({ length: 14 }, (_, at) => (byTwo(at) === 0 ? 1 : 3));
    expect([...shrunkMeans(values, byTwo, 2)]).toEqual([-1, 1]);
  });

  test('shrink by the share of chance', () => {
    // Groups 0, 2, 0, … and 4, 6, 4, …: means 1 and 5 about 3. B = 2 × 8 × 4 / 1, W = 16 × 1 / 14.
    const values = Array.from({ length: 16 }, (_, at) => [0, 4, 2, 6][at % 4] ?? 0);
    const [low = 0, high = 0] = shrunkMeans(values, byTwo, 2);
    expect(high).toBeCloseTo(2 * (1 - 16 / 14 / 64), 12);
    expect(low).toBeCloseTo(-high, 12);
  });

  test('go by neighbours where groups have too few values', () => {
    // A group each: 1, 2, 3 about 2. B = (1 + 0 + 1) / 2, W = (1 + 1) / 2 / 2.
    expect([...shrunkMeans([1, 2, 3], (at) => at, 3)]).toEqual([-0.5, 0, 0.5]);
  });

  test('of noise are less than half of its means: in 95 of 100 series', () => {
    const size = (of: Iterable<number>): number => Math.hypot(...of);
    const passes = passesOf(100, ({ normal }) => {
      const values = Array.from({ length: 24 * 28 }, normal);
      const plain = Array.from({ length: 24 }, (_, hour) => {
        const own = values.filter((_value, at) => at % 24 === hour);
        return own.reduce((sum, value) => sum + value, 0) / own.length;
      });
      return size(shrunkMeans(values, (at) => at % 24, 24)) < size(plain) / 2;
    });
    expect(passes).toBeGreaterThanOrEqual(95);
  });

  test('are nothing where groups differ no more than neighbours do, or there are no groups', () => {
    const size = (means: Float64Array): number => Math.hypot(...means);
    expect(size(shrunkMeans([1, 3], byTwo, 2))).toBe(0);
    expect(size(shrunkMeans([1, 3, 2], () => 0, 2))).toBe(0);
    expect(size(shrunkMeans([], byTwo, 2))).toBe(0);
  });
});
