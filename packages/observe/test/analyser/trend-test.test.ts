import { trendOf, type TrendDirection } from '@millrace/observe';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mannKendallZ, theilSenSlope } from '../../dist/analyser/trend-test.js';
import { passesOf, type Chance } from '../chance.ts';

/** A hundred series of 20, the length that an analyser looks at. */
function share(direction: TrendDirection, at: (step: number, chance: Chance) => number): number {
  return passesOf(100, (chance) => {
    const series = Array.from({ length: 20 }, (_, step) => at(step, chance));
    return trendOf(series) === direction;
  });
}

describe('the direction of a series', () => {
  test('is unknown for fewer than ten values', () => {
    expect(trendOf([])).toBe('unknown');
    expect(trendOf([1, 2, 3, 4, 5, 6, 7, 8, 9])).toBe('unknown');
    expect(trendOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toBe('increasing');
  });

  test('is increasing for what rises through noise: in 95 of 100 series', () => {
    expect(
      share('increasing', (step, { normal }) => 100 + 3 * step + 10 * normal()),
    ).toBeGreaterThanOrEqual(95);
  });

  test('is decreasing for what falls through noise: in 95 of 100 series', () => {
    expect(
      share('decreasing', (step, { normal }) => 100 - 3 * step + 10 * normal()),
    ).toBeGreaterThanOrEqual(95);
  });

  test('is stable for noise that is small against the mean: in 95 of 100 series', () => {
    expect(share('stable', (_, { normal }) => 100 + 20 * normal())).toBeGreaterThanOrEqual(95);
  });

  test('is volatile for noise that is large against the mean: in 95 of 100 series', () => {
    expect(
      share('volatile', (_, { normal }) => 100 * Math.exp(1.5 * normal())),
    ).toBeGreaterThanOrEqual(95);
  });

  test('is increasing for what grows ever faster', () => {
    expect(trendOf(Array.from({ length: 10 }, (_, step) => 1.1 ** step))).toBe('increasing');
    expect(trendOf(Array.from({ length: 20 }, (_, step) => 1.1 ** -step))).toBe('decreasing');
  });

  test('is stable for one whole wave, wherever it begins: what comes and goes each day is no trend', () => {
    for (let phase = 0; phase < 20; phase += 0.1) {
      const wave = Array.from(
        { length: 20 },
        (_, step) => 100 + 50 * Math.sin((2 * Math.PI * (step + phase)) / 20),
      );
      expect(trendOf(wave)).toBe('stable');
    }
  });

  test('is stable for what does not change, and for a change of less than a twentieth', () => {
    expect(trendOf(Array.from({ length: 20 }, () => 7))).toBe('stable');
    expect(trendOf(Array.from({ length: 20 }, () => 0))).toBe('stable');
    expect(trendOf(Array.from({ length: 20 }, (_, step) => 1000 + step))).toBe('stable');
    expect(trendOf(Array.from({ length: 20 }, (_, step) => 1000 + 3 * step))).toBe('increasing');
  });

  test('turns with the series, and does not depend on its unit', () => {
    const series = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), {
      minLength: 20,
      maxLength: 20,
    });
    const opposite: Partial<Record<TrendDirection, TrendDirection>> = {
      increasing: 'decreasing',
      decreasing: 'increasing',
    };
    fc.assert(
      fc.property(series, (values) => {
        const direction = trendOf(values);
        expect(trendOf([...values].reverse())).toBe(opposite[direction] ?? direction);
        expect(trendOf(values.map((value) => value * 1024))).toBe(direction);
      }),
    );
  });
});

describe('the test of Mann and Kendall', () => {
  test('gives what a hand counts', () => {
    // S = 10 of 10 pairs; Var = 5 × 4 × 15 / 18.
    expect(mannKendallZ([1, 2, 3, 4, 5])).toBeCloseTo(9 / Math.sqrt(300 / 18), 12);
    // Five of six pairs rise, one is even: S = 5; Var = (4 × 3 × 13 − 2 × 1 × 9) / 18.
    expect(mannKendallZ([1, 3, 3, 4])).toBeCloseTo(4 / Math.sqrt((156 - 18) / 18), 12);
    expect(mannKendallZ([2, 2, 2])).toBe(0);
  });

  test('compares within seasons only, when there are any', () => {
    // Pairs (1, 2), (9, 8): S = 0. Without seasons S would be 2.
    expect(mannKendallZ([1, 9, 2, 8], 2)).toBe(0);
    // Each of two seasons rises: S = 2; Var = 2 × (2 × 1 × 9 / 18).
    expect(mannKendallZ([1, 8, 2, 9], 2)).toBeCloseTo(1 / Math.sqrt(2), 12);
  });

  test('is stricter where neighbours are alike', () => {
    const falseAlarms = (alike: number): number =>
      100 -
      passesOf(100, ({ normal }) => {
        let value = 0;
        const series = Array.from({ length: 20 }, () => (value = alike * value + normal()));
        return Math.abs(mannKendallZ(series)) < 2.5758;
      });
    expect(falseAlarms(0)).toBeLessThanOrEqual(5);
    expect(falseAlarms(0.5)).toBeLessThanOrEqual(12);
  });
});

describe('the slope of Theil and Sen', () => {
  test('is the median of all slopes', () => {
    // 2, 4, 3 from neighbours 2 and 4 and the whole.
    expect(theilSenSlope([1, 3, 7])).toBe(3);
    expect(theilSenSlope([5, 5])).toBe(0);
    expect(theilSenSlope([1, 9, 3, 11], 2)).toBe(1);
  });

  test('does not mind an outlier', () => {
    expect(theilSenSlope([0, 1, 2, 3, 4000, 5, 6, 7, 8, 9])).toBeCloseTo(1, 12);
  });
});
