import { bufferClassOf } from '@millrace/core';
import { burstyTrace, diurnalTrace, steadyTrace, type TraceEvent } from '@millrace/observe';
import { describe, expect, test } from 'vitest';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const SHAPES = { steady: steadyTrace, bursty: burstyTrace, diurnal: diurnalTrace };
const names = Object.keys(SHAPES) as (keyof typeof SHAPES)[];

function gets(trace: Iterable<TraceEvent>): TraceEvent[] {
  return [...trace].filter(({ type }) => type === 'retrieved');
}

/** Gets in each of `parts` equal parts of `durationMs`. */
function counts(trace: Iterable<TraceEvent>, durationMs: number, parts: number): number[] {
  const of = Array.from({ length: parts }, () => 0);
  for (const { timestampMs } of gets(trace)) of[Math.floor((timestampMs / durationMs) * parts)]!++;
  return of;
}

/** Variance of the counts beside their mean: 1 for a Poisson process. */
function dispersion(of: readonly number[]): number {
  const mean = of.reduce((a, b) => a + b) / of.length;
  return of.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (of.length - 1) / mean;
}

describe.each(names)('a %s trace', (name) => {
  const load = { durationMs: DAY, ratePerSecond: 0.1, meanHeldMs: 2000, seed: 3 };
  const trace = [...SHAPES[name](load)];

  test('is the same for the same seed, and another for another', () => {
    expect([...SHAPES[name](load)]).toEqual(trace);
    expect([...SHAPES[name]({ ...load, seed: 4 })]).not.toEqual(trace);
  });

  test('is in the order of time, and each buffer comes back once after it was handed out', () => {
    const times = trace.map(({ timestampMs }) => timestampMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const out = new Map<number, TraceEvent>();
    const wrong = trace.filter((event) => {
      const { id, size, timestampMs, durationMs = NaN } = event;
      const earlier = out.get(id);
      if (event.type === 'retrieved') {
        out.set(id, event);
        return earlier !== undefined;
      }
      out.delete(id);
      if (event.type !== 'returned' || earlier?.size !== size) return true;
      return Math.abs(timestampMs - earlier.timestampMs - durationMs) > 1e-3;
    });
    expect(wrong).toEqual([]);
    expect(out.size).toBe(0);
  });

  test('has the mean rate, held time and sizes that were asked for', () => {
    const of = gets(trace);
    const expected = DAY / 10_000;
    // Four standard deviations of a Poisson count; bursts vary more.
    const off = name === 'bursty' ? 0.4 * expected : 4 * Math.sqrt(expected);
    expect(Math.abs(of.length - expected)).toBeLessThan(off);
    const held = trace.filter(({ type }) => type === 'returned');
    const mean = held.reduce((sum, { durationMs = 0 }) => sum + durationMs, 0) / held.length;
    expect(Math.abs(mean - 2000)).toBeLessThan((4 * 2000) / Math.sqrt(held.length));
    expect(of.filter((event) => event.class !== bufferClassOf(event.size))).toEqual([]);
    const small = of.filter(({ tag }) => tag === 'header');
    expect(small.length / of.length).toBeCloseTo(0.7, 1);
    expect(Math.max(...small.map(({ size }) => size))).toBeLessThanOrEqual(4096);
  });

  test('begins when it is told to', () => {
    const [first] = SHAPES[name]({ ...load, startMs: 10 * DAY });
    expect(first!.timestampMs).toBeGreaterThanOrEqual(10 * DAY);
    expect(first!.timestampMs).toBeLessThan(10 * DAY + HOUR);
  });

  test.each([
    { durationMs: 0 },
    { durationMs: Infinity },
    { ratePerSecond: -1 },
    { meanHeldMs: Number.NaN },
    { startMs: Infinity },
    { sizes: [] },
    { sizes: [{ weight: 1, least: 10, most: 9 }] },
    { sizes: [{ weight: 0, least: 1, most: 9 }] },
    { sizes: [{ weight: 1, least: 0, most: 9 }] },
  ])('is refused with %o', (wrong) => {
    expect(() => SHAPES[name]({ ...load, ...wrong })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
    );
  });
});

describe('the shape of a trace', () => {
  const load = { durationMs: 14 * DAY, ratePerSecond: 0.05, seed: 11 };

  test('is even when steady, and uneven when bursty', () => {
    // Of 336 counts, four standard deviations: 4 √(2 / 335).
    const even = dispersion(counts(steadyTrace(load), load.durationMs, 336));
    expect(Math.abs(even - 1)).toBeLessThan(0.31);
    const bursty = burstyTrace({ ...load, burstMs: HOUR, burstFactor: 10 });
    expect(dispersion(counts(bursty, load.durationMs, 336))).toBeGreaterThan(10);
  });

  test('has a high rate in bursts and a low one between, by the factor', () => {
    const bursty = burstyTrace({ ...load, burstMs: DAY / 2, quietMs: DAY / 2, burstFactor: 8 });
    const of = counts(bursty, load.durationMs, 14 * 24).sort((a, b) => a - b);
    const [low, high] = [of[30]!, of[300]!];
    expect(high / low).toBeGreaterThan(5);
    expect(high / low).toBeLessThan(12);
  });

  test('goes up and down with the day, and down at weekends', () => {
    const of = counts(diurnalTrace({ ...load, swing: 0.5, weekend: 0.5 }), load.durationMs, 14 * 4);
    const quarter = (first: number, days: readonly number[]): number =>
      days.reduce((sum, day) => sum + of[day * 4 + first]! + of[day * 4 + 3 - first]!, 0) /
      days.length;
    // Days 2 and 3 are Saturday and Sunday, since the first is a Thursday.
    const [workdays, weekend] = [
      [0, 1, 4, 5, 6, 7, 8, 11, 12, 13],
      [2, 3, 9, 10],
    ];
    // The mean of 1 − ½ cos over the half of a day around midnight, and around noon.
    const expected = (1 - 1 / Math.PI) / (1 + 1 / Math.PI);
    expect(quarter(0, workdays) / quarter(1, workdays)).toBeCloseTo(expected, 1);
    expect(quarter(1, weekend) / quarter(1, workdays)).toBeCloseTo(0.5, 1);
  });

  test('is even where a day has no swing', () => {
    const flat = counts(diurnalTrace({ ...load, swing: 0, weekend: 1 }), load.durationMs, 336);
    expect(Math.abs(dispersion(flat) - 1)).toBeLessThan(0.31);
  });

  test.each([
    () => burstyTrace({ ...load, burstMs: 0 }),
    () => burstyTrace({ ...load, quietMs: -1 }),
    () => burstyTrace({ ...load, burstFactor: 0.5 }),
    () => diurnalTrace({ ...load, dayMs: 0 }),
    () => diurnalTrace({ ...load, swing: 1.1 }),
    () => diurnalTrace({ ...load, weekend: -0.1 }),
  ])('is refused when it cannot be: %s', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }));
  });
});
