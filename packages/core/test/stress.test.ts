/** The stress for 20 seconds; `npm run stress` takes longer. */
import { expect, test } from 'vitest';
import { stress } from './stress/stress.mjs';

test('threads that are killed while they lease, share and hand over lose no slot', async () => {
  const { ops, kills, patterns, lost, faults } = await stress({ seconds: 20 });
  expect(faults).toEqual([]);
  expect(lost).toBe(0);
  expect(kills).toBeGreaterThan(10);
  expect(ops).toBeGreaterThan(10_000);
  expect(patterns).toBeGreaterThan(10_000);
});
