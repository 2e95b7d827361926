import { describe, expect, test } from 'vitest';
import { confidenceOf, forecastHours } from '../../dist/analyser/forecast.js';
import { passesOf, type Chance } from '../chance.ts';

const WEEK = 168;

/** One value for each hour, counted from the epoch. */
type Series = (hour: number, chance: Chance) => number;

const day = (hour: number): number => Math.sin((2 * Math.PI * hour) / 24);
const weekend = (hour: number): boolean => Math.floor(hour / 24) % 7 >= 5;
const officeHours = (hour: number): boolean => !weekend(hour) && hour % 24 >= 9 && hour % 24 < 17;

const daysAndWeeks: Record<string, Series> = {
  'waves that are multiplied': (hour, { normal }) =>
    100 * (1 + 0.5 * day(hour)) * (weekend(hour) ? 0.5 : 1) * (1 + 0.05 * normal()),
  'waves that are added': (hour, { normal }) =>
    100 + 40 * day(hour) + 20 * Math.sin((2 * Math.PI * hour) / WEEK) + 4 * normal(),
  'office hours': (hour, { normal }) => (officeHours(hour) ? 200 : 40) * (1 + 0.05 * normal()),
  'waves that grow by the week': (hour, { normal }) =>
    (100 + hour / 10) * (1 + 0.5 * day(hour)) * (weekend(hour) ? 0.5 : 1) * (1 + 0.05 * normal()),
};

const noises: Record<string, Series> = {
  'normal noise': (_, { normal }) => Math.max(0, 100 + 20 * normal()),
  'little noise': (_, { normal }) => 1000 + normal(),
  'skewed noise': (_, { normal }) => 50 * Math.exp(normal()),
  'small counts': (_, { normal }) => Math.max(0, Math.round(3 + 2 * normal())),
};

const dailyWaves: Series = (hour, { normal }) =>
  100 * (1 + 0.5 * day(hour)) * (1 + 0.05 * normal());

/** The mean of |actual − foretold| / actual over the day after so many weeks, and the confidence. */
function tried(series: Series, weeks: number, chance: Chance, seed: number) {
  // Each seed begins at another hour of the week.
  const first = 100 * WEEK + seed * 5;
  const hours = Math.round(weeks * WEEK) + 24;
  const values = Array.from({ length: hours }, (_, at) => series(first + at, chance));
  const next = values.splice(-24);
  const forecast = forecastHours(values, first, 24);
  const errors = next.map((value, at) => Math.abs(value - (forecast.values[at] ?? 0)) / value);
  return {
    mape: errors.reduce((sum, e) => sum + e, 0) / 24,
    confidence: confidenceOf(forecast.trials),
  };
}

describe('a forecast of the next day', () => {
  for (const weeks of [2, 4]) {
    test.each(Object.entries(daysAndWeeks))(
      `after ${weeks} weeks errs by less than 10 % on %s: in 95 of 100 series`,
      (_, series) => {
        const passes = passesOf(
          100,
          (chance, seed) => tried(series, weeks, chance, seed).mape < 0.1,
        );
        expect(passes).toBeGreaterThanOrEqual(95);
      },
    );
  }

  test.each(Object.entries(daysAndWeeks))(
    'has a confidence above 0.8 on %s, after four weeks: in 95 of 100 series',
    (_, series) => {
      const sure = passesOf(100, (chance, seed) => tried(series, 4, chance, seed).confidence > 0.8);
      expect(sure).toBeGreaterThanOrEqual(95);
    },
  );

  test('after two days errs by less than 10 % on waves of days alone: in 95 of 100 series', () => {
    const passes = passesOf(
      100,
      (chance, seed) => tried(dailyWaves, 2 / 7, chance, seed).mape < 0.1,
    );
    expect(passes).toBeGreaterThanOrEqual(95);
  });

  test('is not spoilt by one hour of the latest week in which the load was tenfold: in 95 of 100 series', () => {
    const passes = passesOf(100, (chance, seed) => {
      const bad = 100 * WEEK + seed * 5 + 3.5 * WEEK;
      const series: Series = (hour) => dailyWaves(hour, chance) * (hour === bad ? 10 : 1);
      const { mape, confidence } = tried(series, 4, chance, seed);
      return mape < 0.1 && confidence > 0.8;
    });
    expect(passes).toBeGreaterThanOrEqual(95);
  });

  for (const weeks of [2 / 7, 1, 2, 4]) {
    test.each(Object.entries(noises))(
      `after ${weeks * 7} days has a confidence below 0.5 on %s: in 100 of 100 series`,
      (_, series) => {
        const unsure = passesOf(
          100,
          (chance, seed) => tried(series, weeks, chance, seed).confidence < 0.5,
        );
        expect(unsure).toBe(100);
      },
    );
  }
});

/** What is to be expected of an hour, without its noise. */
const expected: Record<string, (hour: number) => number> = {
  'waves that are multiplied': (hour) => 100 * (1 + 0.5 * day(hour)) * (weekend(hour) ? 0.5 : 1),
  'waves that are added': (hour) =>
    100 + 40 * day(hour) + 20 * Math.sin((2 * Math.PI * hour) / WEEK),
  'office hours': (hour) => (officeHours(hour) ? 200 : 40),
};

test.each(Object.entries(expected))(
  'with 10 % noise a forecast after four weeks errs by a tenth more than who knows the load, on %s',
  (_, mean) => {
    let [error, least] = [0, 0];
    passesOf(60, ({ normal }, seed) => {
      const first = 100 * WEEK + seed * 5;
      const hours = Array.from({ length: 4 * WEEK + 24 }, (__, at) => first + at);
      const values = hours.map((hour) => mean(hour) * (1 + 0.1 * normal()));
      const next = values.splice(-24);
      const foretold = forecastHours(values, first, 24).values;
      for (const [at, value] of next.entries()) {
        error += Math.abs(value - foretold[at]!) / value;
        least += Math.abs(value - mean(first + 4 * WEEK + at)) / value;
      }
      return true;
    });
    expect(error / least).toBeLessThan(1.1);
  },
);

describe('a forecast', () => {
  test('of what repeats exactly is exact, and sure', () => {
    const values = Array.from({ length: 4 * WEEK }, (_, hour) => (officeHours(hour) ? 9 : 2));
    const next = Array.from({ length: WEEK }, (_, at) => (officeHours(4 * WEEK + at) ? 9 : 2));
    const forecast = forecastHours(values, 0, WEEK);
    for (const [at, value] of next.entries()) expect(forecast.values[at]).toBeCloseTo(value, 6);
    expect(confidenceOf(forecast.trials)).toBeCloseTo(1, 6);
  });

  test('of what does not change is that, and sure', () => {
    const forecast = forecastHours(
      Array.from({ length: 100 }, () => 7),
      0,
      3,
    );
    for (const value of forecast.values) expect(value).toBeCloseTo(7, 9);
    expect(confidenceOf(forecast.trials)).toBe(1);
  });

  test('of a new level that came and stayed is the new one', () => {
    const values = Array.from(
      { length: 3 * WEEK },
      (_, hour) => (hour < WEEK ? 10 : 50) + day(hour),
    );
    const { values: next } = forecastHours(values, 0, WEEK);
    for (const [at, value] of next.entries()) {
      expect(Math.abs(value - 50 - day(at))).toBeLessThan(0.05 * 50);
    }
  });

  test('of what grows steadily goes on growing', () => {
    const values = Array.from({ length: 4 * WEEK }, (_, hour) => 100 + hour / 4);
    const { values: next } = forecastHours(values, 0, WEEK);
    expect(next[0]).toBeCloseTo(100 + WEEK, 3);
    expect(next[WEEK - 1]).toBeCloseTo(100 + WEEK + (WEEK - 1) / 4, 3);
  });

  test('from less than two days claims nothing', () => {
    const values = Array.from({ length: 47 }, (_, hour) => 10 + day(hour));
    expect(confidenceOf(forecastHours(values, 0, 1).trials)).toBe(0);
    expect(forecastHours([], 0, 2)).toEqual({ values: new Float64Array(2), trials: undefined });
  });

  test('has a confidence of what share was foretold', () => {
    expect(confidenceOf({ error: 1, variation: 2 })).toBe(0.75);
    expect(confidenceOf({ error: 3, variation: 2 })).toBe(0);
    expect(confidenceOf({ error: 0, variation: 0 })).toBe(1);
    expect(confidenceOf({ error: 1, variation: 0 })).toBe(0);
    expect(confidenceOf(undefined)).toBe(0);
  });

  test('is never below nothing', () => {
    const values = Array.from({ length: 4 * WEEK }, (_, hour) => Math.max(0, 500 - hour));
    expect(Math.min(...forecastHours(values, 0, WEEK).values)).toBe(0);
  });
});
