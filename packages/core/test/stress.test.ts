/** The stress for 20 seconds, or more on a slow machine; `npm run stress` takes longer. */
import { expect, test } from 'vitest';
import { stress } from './stress/stress.mjs';

const PATIENCE_MS = 180_000;

test(
  'threads that are killed while they lease, share and hand over lose no slot',
  { timeout: PATIENCE_MS },
  async () => {
    const { ops, kills, patterns, lost, faults } = await stress({
      seconds: 20,
      operations: 10_000,
    });
    expect(faults).toEqual([]);
    expect(lost).toBe(0);
    expect(kills).toBeGreaterThan(10);
    expect(ops).toBeGreaterThanOrEqual(10_000);
    expect(patterns).toBeGreaterThanOrEqual(10_000);
  },
);
