/** Series by chance, the same for the same seed. */
import { Random } from '../dist/trace/random.js';

export interface Chance {
  /** Mean 0, deviation 1: by Box and Muller. */
  readonly normal: () => number;
}

function chanceFrom(seed: number): Chance {
  const random = new Random(Math.imul(seed + 1, 0x9e37_79b1));
  return {
    normal: () =>
      Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next()),
  };
}

/** For how many of the seeds from 0 something holds. */
export function passesOf(seeds: number, holds: (chance: Chance, seed: number) => boolean): number {
  let passes = 0;
  for (let seed = 0; seed < seeds; seed++) if (holds(chanceFrom(seed), seed)) passes += 1;
  return passes;
}
