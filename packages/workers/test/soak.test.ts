/** The soak for a minute; `npm run soak` takes an hour. */
import { expect, test } from 'vitest';
import { slopeOf } from './stress/slope.mjs';
import { soak } from './stress/soak.mjs';

const SECONDS = 60;
/** A busy machine may take its time. */
const slow = { timeout: 300_000 };

test('the slope of a line is found, and is the less sure the more the points scatter', () => {
  const line = (scatter: number): { x: number; y: number }[] =>
    Array.from({ length: 50 }, (_, x) => ({ x, y: 3 * x + 7 + (x % 2 ? scatter : -scatter) }));
  expect(slopeOf(line(0)).slope).toBeCloseTo(3);
  expect(slopeOf(line(0)).confidence).toBeCloseTo(0);
  const { slope, confidence } = slopeOf(line(10));
  expect(Math.abs(slope - 3)).toBeLessThan(confidence);
  // By the textbook: 2.0106 × √(Σ residuals² ÷ 48 ÷ Σ (x − mean)²).
  expect(confidence).toBeCloseTo(0.201, 2);
  expect(slopeOf(line(20)).confidence).toBeCloseTo(2 * confidence);
  expect(slopeOf(line(0).slice(0, 2)).confidence).toBe(Infinity);
});

test(
  'whatever an adaptive pool and its mill do, memory is flat and all comes home',
  slow,
  async () => {
    const { counts, live, activeBuffers, growth, faults } = await soak({ seconds: SECONDS });
    expect(faults).toEqual([]);
    expect({ live, activeBuffers }).toEqual({ live: 0, activeBuffers: 0 });
    expect(Object.entries(counts).filter(([, count]) => count < 10)).toEqual([]);
    expect(growth.heap.samples).toBeGreaterThan(5);
  },
);
