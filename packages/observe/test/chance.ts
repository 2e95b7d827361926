/** Numbers by chance, the same for the same seed: mulberry32, and normal ones by Box and Muller. */

export interface Chance {
  /** From 0, below 1. */
  readonly uniform: () => number;
  /** Mean 0, deviation 1. */
  readonly normal: () => number;
}

export function chanceFrom(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e37_79b1);
  const uniform = (): number => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

/** For how many of the seeds from 0 something holds. */
export function passesOf(seeds: number, holds: (chance: Chance, seed: number) => boolean): number {
  let passes = 0;
  for (let seed = 0; seed < seeds; seed++) if (holds(chanceFrom(seed), seed)) passes += 1;
  return passes;
}
