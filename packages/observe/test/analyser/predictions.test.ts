import { BufferAnalyzer, type BufferDemand } from '@millrace/observe';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passesOf, type Chance } from '../chance.ts';
import { DAY, HOUR, Level, retrieved, returned } from './leasing.ts';

const START = 20_000 * DAY;
const KiB = 1024;

const nothing: BufferDemand = {
  smallBuffers: 0,
  mediumBuffers: 0,
  largeBuffers: 0,
  hugeBuffers: 0,
  totalMemory: 0,
  peakMemory: 0,
};

describe('what will be needed', () => {
  test('is nothing where nothing was', () => {
    expect(new BufferAnalyzer().predictions()).toMatchObject({
      nextHour: nothing,
      nextDay: nothing,
      nextWeek: nothing,
      confidence: 0,
      updatedAtMs: 0,
    });
  });

  test('is what there has been so far, in the first hour', () => {
    const analyzer = new BufferAnalyzer({}, () => START + 60_000);
    new Level((event) => analyzer.processEvent(event)).set(START, 3);
    const demand = { ...nothing, smallBuffers: 3, totalMemory: 12 * KiB, peakMemory: 12 * KiB };
    expect(analyzer.predictions()).toMatchObject({
      nextHour: demand,
      nextDay: demand,
      nextWeek: demand,
      confidence: 0,
      updatedAtMs: START + 60_000,
    });
  });

  test('is what there has been so far, in the first hour of a clock that begins with 0', () => {
    const analyzer = new BufferAnalyzer({ confidenceThreshold: 0 });
    analyzer.processEvent(retrieved(1000, 1));
    const demand = { ...nothing, smallBuffers: 1, totalMemory: 4 * KiB, peakMemory: 4 * KiB };
    expect(analyzer.predictions()).toMatchObject({ nextHour: demand, nextWeek: demand });
    expect(analyzer.trends().predictedLoad).toBeCloseTo(1 / 3600, 12);
  });

  test('is told by class, with the bytes of their buffers', () => {
    const analyzer = new BufferAnalyzer({}, () => START + DAY);
    analyzer.processEvent(retrieved(START, 1, 1000, undefined, 'small'));
    for (const id of [2, 3]) analyzer.processEvent(retrieved(START, id, 9000, undefined, 'medium'));
    for (const id of [4, 5, 6]) {
      analyzer.processEvent(retrieved(START, id, 2 ** 17, undefined, 'large'));
    }
    analyzer.processEvent(retrieved(START, 7, 2 ** 23, undefined, 'huge'));
    const bytes = (4 + 2 * 64 + 3 * 1024 + 8 * 1024) * KiB;
    expect(analyzer.predictions().nextDay).toEqual({
      smallBuffers: 1,
      mediumBuffers: 2,
      largeBuffers: 3,
      hugeBuffers: 1,
      totalMemory: bytes,
      peakMemory: bytes,
    });
  });

  test('is told anew as hours pass', () => {
    const analyzer = new BufferAnalyzer();
    const level = new Level((event) => analyzer.processEvent(event));
    for (let hour = 0; hour <= 48; hour++) {
      level.set(START + hour * HOUR, 0);
      level.set(START + hour * HOUR, hour < 24 ? 5 : 10);
      if (hour === 24) expect(analyzer.predictions().hours[1]?.demand.smallBuffers).toBe(5);
    }
    const { hours, updatedAtMs } = analyzer.predictions();
    expect(hours[1]?.demand.smallBuffers).toBeGreaterThan(5);
    expect(hours[0]?.startMs).toBe(START + 48 * HOUR);
    expect(updatedAtMs).toBe(START + 48 * HOUR);
  });

  test('is of all hours that the span touches', () => {
    let nowMs = 0;
    const analyzer = new BufferAnalyzer({}, () => nowMs);
    const level = new Level((event) => analyzer.processEvent(event));
    for (let hour = 0; hour <= 7 * 24 + 6; hour++) {
      level.set(START + hour * HOUR, hour % 24 === 8 ? 20 : 2);
    }
    nowMs = START + 7 * DAY + 6.5 * HOUR;
    expect(analyzer.predictions().nextHour.smallBuffers).toBe(2);
    nowMs += HOUR;
    expect(analyzer.predictions().nextHour.smallBuffers).toBe(20);
  });

  test('is no less than the hour that has begun has needed so far', () => {
    const analyzer = new BufferAnalyzer();
    const level = new Level((event) => analyzer.processEvent(event));
    for (let hour = 0; hour <= 7 * 24; hour++) level.set(START + hour * HOUR, 1 + (hour % 2));
    const before = analyzer.predictions();
    level.set(START + 7 * DAY + 60_000, 50);
    level.set(START + 7 * DAY + 120_000, 1);
    const after = analyzer.predictions();
    expect(before.nextDay).toMatchObject({ smallBuffers: 2, peakMemory: 8 * KiB });
    for (const demand of [after.nextHour, after.nextDay, after.nextWeek]) {
      expect(demand).toMatchObject({ smallBuffers: 50, peakMemory: 200 * KiB });
    }
    expect(after.hours[0]?.demand.smallBuffers).toBe(50);
    expect(after.hours[1]?.demand.smallBuffers).toBe(2);
  });

  // Four weeks: small ones by day, medium ones at noon on Sundays, never both at once. The first day is a Thursday.
  const weekly = new BufferAnalyzer({}, () => START + (28 * 24 + 10) * HOUR);
  const small = new Level((event) => weekly.processEvent(event));
  const medium = new Level((event) => weekly.processEvent(event), 'medium', 8000, 1_000_000);
  for (let hour = 0; hour <= 28 * 24 + 10; hour++) {
    const at = START + hour * HOUR;
    const noon = Math.floor(hour / 24) % 7 === 3 && hour % 24 === 12;
    medium.set(at, 0);
    small.set(at, noon ? 0 : hour % 24 >= 8 && hour % 24 < 20 ? 20 : 2);
    medium.set(at, noon ? 30 : 0);
  }

  test('is foretold for the next hour, day and week', () => {
    const { nextHour, nextDay, nextWeek, confidence } = weekly.predictions();
    expect(nextHour.smallBuffers).toBe(20);
    expect(nextDay.smallBuffers).toBe(20);
    expect(nextDay.mediumBuffers).toBe(0);
    expect(nextWeek.mediumBuffers).toBe(30);
    expect(confidence).toBeGreaterThan(0.9);
  });

  test('is less at one time than all classes together, whose peaks are at different times', () => {
    const { totalMemory, peakMemory } = weekly.predictions().nextWeek;
    expect(totalMemory).toBe((20 * 4 + 30 * 64) * KiB);
    expect(peakMemory).toBeLessThan(totalMemory);
    expect(peakMemory / (30 * 64 * KiB)).toBeCloseTo(1, 1);
  });

  test('is as sure as the bytes that vary are foretold: a class that hardly ever varies does not decide', () => {
    const analyzer = new BufferAnalyzer();
    const daily = new Level((event) => analyzer.processEvent(event), 'medium', 8000);
    for (let hour = 0; hour <= 14 * 24; hour++) {
      daily.set(START + hour * HOUR, hour % 24 < 12 ? 100 : 20);
      if (hour === 300) {
        analyzer.processEvent(retrieved(START + hour * HOUR, 9999, 2 ** 20, undefined, 'large'));
        analyzer.processEvent(returned(START + hour * HOUR + 1, 9999));
      }
    }
    // One MiB in one hour came as a surprise; 80 × 64 KiB twice a day for a week did not.
    const surprise = 2 ** 20 / (2 ** 20 + 7 * 12 * 80 * 65_536);
    expect(analyzer.predictions().confidence).toBeCloseTo(1 - surprise ** 2, 3);
  });

  test('is told hour by hour', () => {
    const { hours, nextWeek } = weekly.predictions();
    expect(hours).toHaveLength(7 * 24 + 1);
    expect(hours[0]?.startMs).toBe(START + (28 * 24 + 10) * HOUR);
    expect(hours.slice(0, 24).map(({ demand }) => demand.smallBuffers)).toEqual(
      Array.from({ length: 24 }, (_, at) => ((10 + at) % 24 >= 8 && (10 + at) % 24 < 20 ? 20 : 2)),
    );
    expect(Math.max(...hours.map(({ demand }) => demand.mediumBuffers))).toBe(
      nextWeek.mediumBuffers,
    );
  });
});

/** Three weeks in which `inUse` buffers of 8000 bytes are in use in each hour; then a day to compare with. */
function threeWeeks(inUse: (hour: number) => number) {
  const analyzer = new BufferAnalyzer();
  const level = new Level((event) => analyzer.processEvent(event), 'medium', 8000);
  let before = 0;
  for (let hour = 0; hour <= 21 * 24; hour++) {
    const now = Math.max(0, Math.round(inUse(hour)));
    // What is in use when an hour begins is of its peak: what it does not need comes back before.
    if (hour > 0) level.set(START + hour * HOUR - 1, Math.min(before, now));
    level.set(START + hour * HOUR, now);
    before = now;
  }
  return analyzer.predictions();
}

describe('from the events of three weeks, in milliseconds,', () => {
  const load = (hour: number, { normal }: Chance): number =>
    60 *
    (1 + 0.5 * Math.sin((2 * Math.PI * hour) / 24)) *
    (Math.floor(hour / 24) % 7 >= 5 ? 0.6 : 1) *
    (1 + 0.05 * normal());

  test('the next day of a daily and weekly load is foretold within 10 %: in 95 of 100 runs', () => {
    const passes = passesOf(100, (chance) => {
      const actual = Array.from({ length: 22 * 24 }, (_, hour) => load(hour, chance));
      const { hours, confidence } = threeWeeks((hour) => actual[hour] ?? 0);
      const errors = actual.slice(21 * 24).map((value, at) => {
        const foretold = hours[at]?.demand.mediumBuffers ?? 0;
        return Math.abs(Math.round(value) - foretold) / Math.round(value);
      });
      return errors.reduce((sum, error) => sum + error, 0) / 24 < 0.1 && confidence > 0.8;
    });
    expect(passes).toBeGreaterThanOrEqual(95);
  });

  test('white noise has a confidence below 0.5: in 100 of 100 runs', () => {
    const passes = passesOf(
      100,
      ({ normal }) => threeWeeks(() => 30 + 8 * normal()).confidence < 0.5,
    );
    expect(passes).toBe(100);
  });
});

test('whatever comes in, and in whatever order, what is told stays in its bounds', () => {
  const type = fc.constantFrom(
    'allocated',
    'retrieved',
    'returned',
    'resized',
    'reset',
    'destroyed',
    'corruption',
    'leak',
  );
  const event = fc.record({
    timestampMs: fc.nat(60 * DAY).map((ms) => START + ms),
    type,
    id: fc.nat(20),
    class: fc.constantFrom('small', 'medium', 'large', 'huge'),
    size: fc.integer({ min: 1, max: 2 ** 24 }),
    tag: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const analyzer = new BufferAnalyzer({ confidenceThreshold: 0 });
      for (const one of events) analyzer.processEvent(one);
      const { patterns, trends, predictions } = analyzer.analyzePerformance();
      for (const pattern of patterns) {
        expect(pattern.efficiency).toBeGreaterThan(0);
        expect(pattern.efficiency).toBeLessThanOrEqual(1);
        expect(Number.isInteger(pattern.optimalPoolSize)).toBe(true);
        expect(pattern.optimalPoolSize).toBeGreaterThanOrEqual(0);
        expect(pattern.optimalPoolSize).toBeLessThanOrEqual(21);
        expect(pattern.usageFrequency).toBeGreaterThanOrEqual(0);
        expect(pattern.lifetimeMeanMs).toBeGreaterThanOrEqual(0);
        expect(pattern.lifetimeStdDevMs).toBeGreaterThanOrEqual(0);
      }
      expect(trends.predictedLoad).toBeGreaterThanOrEqual(0);
      expect(predictions.confidence).toBeGreaterThanOrEqual(0);
      expect(predictions.confidence).toBeLessThanOrEqual(1);
      const { nextHour, nextDay, nextWeek } = predictions;
      for (const key of ['smallBuffers', 'mediumBuffers', 'largeBuffers', 'hugeBuffers'] as const) {
        expect(nextHour[key]).toBeLessThanOrEqual(nextDay[key]);
        expect(nextDay[key]).toBeLessThanOrEqual(nextWeek[key]);
        expect(nextHour[key]).toBeGreaterThanOrEqual(0);
      }
      expect(nextWeek.peakMemory).toBeLessThanOrEqual(nextWeek.totalMemory);
    }),
    { numRuns: 50 },
  );
});

test('a week of an event a minute is taken and told in less than a second', () => {
  const analyzer = new BufferAnalyzer();
  const began = process.cpuUsage();
  for (let minute = 0; minute < 7 * 24 * 60; minute++) {
    analyzer.processEvent(retrieved(START + minute * 60_000, minute));
    analyzer.processEvent(returned(START + minute * 60_000 + 30_000, minute));
  }
  analyzer.analyzePerformance();
  expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
});
