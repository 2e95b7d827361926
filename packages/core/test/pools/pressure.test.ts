/** How readings become levels, and levels are left. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PressureGauge } from '../../dist/pools/pressure.js';

const used = (usedBytes: number, stalledPercent = 0) => ({
  source: 'probe',
  usedBytes,
  limitBytes: 1000,
  stalledPercent,
});

test.each([
  [0, 'normal'],
  [799, 'normal'],
  [800, 'elevated'],
  [949, 'elevated'],
  [950, 'critical'],
  [5000, 'critical'],
] as const)('from the start, %i of 1000 bytes is %s', (bytes, level) => {
  expect(new PressureGauge().take(used(bytes))).toBe(level);
});

test('a level is left well below where it is entered', () => {
  const gauge = new PressureGauge();
  const levels = [790, 800, 790, 721, 720, 799, 950, 856, 855, 721, 719].map((bytes) => [
    bytes,
    gauge.take(used(bytes)),
  ]);
  expect(levels).toEqual([
    [790, 'normal'],
    [800, 'elevated'],
    [790, 'elevated'],
    [721, 'elevated'],
    [720, 'normal'],
    [799, 'normal'],
    [950, 'critical'],
    [856, 'critical'],
    [855, 'elevated'],
    [721, 'elevated'],
    [719, 'normal'],
  ]);
});

test('when much is freed at once, critical pressure is over at once', () => {
  const gauge = new PressureGauge();
  expect(gauge.take(used(1000))).toBe('critical');
  expect(gauge.take(used(10))).toBe('normal');
});

test('waiting for memory is pressure, however little is in use', () => {
  const gauge = new PressureGauge();
  const levels = [9, 10, 6, 5, 40, 21, 20, 4].map((percent) => gauge.take(used(0, percent)));
  expect(levels).toEqual([
    'normal',
    'elevated',
    'elevated',
    'normal',
    'critical',
    'critical',
    'elevated',
    'normal',
  ]);
});

test('without a limit there is no pressure', () => {
  const gauge = new PressureGauge();
  const limitBytes = Infinity;
  expect(gauge.take({ source: 'probe', usedBytes: 1e15, limitBytes })).toBe('normal');
});

test('use that moves by less than a tenth of a threshold changes the level once at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.array(fc.integer({ min: 0, max: 79 }), { minLength: 2, maxLength: 30 }),
      (from, moves) => {
        const gauge = new PressureGauge();
        const levels = moves.map((move) => gauge.take(used(from + move)));
        const changes = levels.filter((level, i) => i > 0 && level !== levels[i - 1]).length;
        expect(changes).toBeLessThanOrEqual(1);
      },
    ),
  );
});
