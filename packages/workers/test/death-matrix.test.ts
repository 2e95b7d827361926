/** Every death in every situation, once; `npm run deaths` goes on for longer. */
import { expect, test } from 'vitest';
import { dieInAllWays } from './stress/deaths.mjs';

/** Seconds on a quiet machine; a busy one may take its time. */
const slow = { timeout: 600_000 };

test(
  'however a thread dies, and whatever it is at, all settles and nothing is lost',
  slow,
  async () => {
    const { deaths, rounds, faults } = await dieInAllWays({ deaths: 1 });
    expect(faults).toEqual([]);
    expect(rounds).toBe(1);
    expect(deaths).toBeGreaterThan(80);
  },
);
