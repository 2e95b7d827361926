/**
 * Chance that can be had again: numbers from a seed.
 *
 * Source: T. Ettinger, "Mulberry32", 2017.
 */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Times between events that know nothing of each other are distributed so. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** An integer from `least` to `most`; its logarithm is what is uniform. */
  between(least: number, most: number): number {
    return Math.min(most, Math.floor(least * ((most + 1) / least) ** this.next()));
  }
}
