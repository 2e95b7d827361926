import { BufferAnalyzer, type TrendDirections } from '@millrace/observe';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, Level, retrieved, returned } from './leasing.ts';

const START = 20_000 * DAY;
/** Twenty of them are a day. */
const STEP = DAY / 20;

interface Doing {
  readonly leases: number;
  readonly size: number;
  readonly lastsMs: number;
}

/** A day in which the work of each step is what `doing` says. */
function dayOf(doing: (step: number) => Partial<Doing>): TrendDirections {
  const analyzer = new BufferAnalyzer();
  analyzer.processEvent({ ...retrieved(START, 0), type: 'reset' });
  let id = 0;
  for (let step = 0; step <= 20; step++) {
    const { leases = 10, size = 1000, lastsMs = 1000 } = doing(step);
    for (let lease = 0; lease < leases; lease++) {
      const at = START + step * STEP + (lease * STEP) / leases;
      analyzer.processEvent(retrieved(at, ++id, size));
      analyzer.processEvent(returned(at + Math.min(lastsMs, STEP / leases / 2), id));
    }
  }
  return analyzer.trends();
}

const steady: TrendDirections = {
  allocationTrend: 'stable',
  sizeTrend: 'stable',
  usageTrend: 'stable',
  efficiencyTrend: 'stable',
};

describe('the trends of a day', () => {
  test('are all stable when nothing changes', () => {
    expect(dayOf(() => ({}))).toMatchObject(steady);
  });

  test('tell of more leases, and so of more use', () => {
    expect(dayOf((step) => ({ leases: 10 + step }))).toMatchObject({
      ...steady,
      allocationTrend: 'increasing',
      usageTrend: 'increasing',
    });
  });

  test('tell of smaller sizes, which fit their class less well', () => {
    expect(dayOf((step) => ({ size: 4000 - 100 * step }))).toMatchObject({
      ...steady,
      sizeTrend: 'decreasing',
      efficiencyTrend: 'decreasing',
    });
  });

  test('tell of larger sizes, which fit their class better', () => {
    expect(dayOf((step) => ({ size: 1000 + 100 * step }))).toMatchObject({
      ...steady,
      sizeTrend: 'increasing',
      efficiencyTrend: 'increasing',
    });
  });

  test('tell of longer use, though no more leases begin', () => {
    expect(dayOf((step) => ({ lastsMs: 1000 + 200 * step }))).toMatchObject({
      ...steady,
      usageTrend: 'increasing',
    });
  });

  test('tell of volatile use and leases', () => {
    expect(dayOf((step) => ({ leases: step % 3 === 0 ? 100 : 5 }))).toMatchObject({
      ...steady,
      allocationTrend: 'volatile',
      usageTrend: 'volatile',
    });
  });

  test('are unknown before ten steps are over, and by then of those alone that there were', () => {
    const analyzer = new BufferAnalyzer({ trendAnalysisPeriodMs: 20_000 });
    const level = new Level((event) => analyzer.processEvent(event));
    for (let second = 0; second < 10; second++) level.set(START + second * 1000, second + 1);
    expect(analyzer.trends().usageTrend).toBe('unknown');
    level.set(START + 10_000, 11);
    expect(analyzer.trends()).toMatchObject({
      usageTrend: 'increasing',
      allocationTrend: 'stable',
    });
  });

  test('forget what was before the period', () => {
    const analyzer = new BufferAnalyzer({ trendAnalysisPeriodMs: 20_000 });
    const level = new Level((event) => analyzer.processEvent(event));
    for (let second = 0; second < 30; second++) level.set(START + second * 1000, second);
    expect(analyzer.trends().usageTrend).toBe('increasing');
    for (let second = 30; second < 60; second++) {
      level.set(START + second * 1000, 30);
      analyzer.processEvent({ ...retrieved(START + second * 1000, 0), type: 'reset' });
    }
    expect(analyzer.trends().usageTrend).toBe('stable');
  });

  test('leave out steps without leases where there is nothing to divide', () => {
    const trends = dayOf((step) => ({ leases: step % 2 === 0 ? 10 : 0, size: 1000 + 100 * step }));
    expect(trends).toMatchObject({ sizeTrend: 'increasing', efficiencyTrend: 'increasing' });
  });
});

describe('the predicted peak', () => {
  /** Two weeks and more of days that have `most` leases in the hour from 15:00, and few in others. */
  function weeksWith(settings: { confidenceThreshold?: number; predictionHorizonMs?: number }) {
    const analyzer = new BufferAnalyzer(settings);
    let id = 0;
    for (let hour = 0; hour < 15 * 24 + 10; hour++) {
      const leases = hour % 24 === 15 ? 3600 / 4 : 36;
      for (let lease = 0; lease < leases; lease++) {
        const at = START + hour * HOUR + (lease * HOUR) / leases;
        analyzer.processEvent(retrieved(at, ++id));
        analyzer.processEvent(returned(at + 10, id));
      }
    }
    analyzer.processEvent(retrieved(START + (15 * 24 + 10) * HOUR, ++id));
    return analyzer.trends();
  }

  test('is at the hour with the most leases, with their number a second', () => {
    const { predictedPeakMs, predictedLoad } = weeksWith({});
    expect(predictedPeakMs).toBe(START + 15 * DAY + 15 * HOUR);
    expect(predictedLoad).toBeCloseTo(0.25, 2);
  });

  test('is looked for within the horizon', () => {
    const { predictedPeakMs, predictedLoad } = weeksWith({ predictionHorizonMs: 4 * HOUR });
    expect(predictedPeakMs).toBeLessThan(START + 15 * DAY + 14 * HOUR);
    expect(predictedLoad).toBeCloseTo(0.01, 2);
  });

  test('is none while there is too little confidence', () => {
    const analyzer = new BufferAnalyzer();
    new Level((event) => analyzer.processEvent(event)).set(START, 3);
    expect(analyzer.trends()).toMatchObject({
      predictedPeakMs: undefined,
      predictedLoad: undefined,
    });
    const trusting = new BufferAnalyzer({ confidenceThreshold: 0 });
    trusting.processEvent(retrieved(START + 1, 1));
    expect(trusting.trends().predictedPeakMs).toBe(START + 1);
  });
});
