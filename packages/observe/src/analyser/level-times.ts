/**
 * For how long a level stood at each height: the distribution of a level over time, for its percentiles.
 *
 * Heights up to 128 are kept as they are, those above in steps of at most 1/64 of themselves, rounded up. So there are at most
 * a few hundred, whatever the height.
 */

const EXACT_BITS = 7;

export class LevelTimes {
  readonly #msAt = new Map<number, number>();
  totalMs = 0;
  /** Σ level × milliseconds, of the exact levels. */
  levelMs = 0;
  #squaresMs = 0;

  add(level: number, forMs: number): void {
    const height = rounded(level);
    this.#msAt.set(height, (this.#msAt.get(height) ?? 0) + forMs);
    this.totalMs += forMs;
    this.levelMs += level * forMs;
    this.#squaresMs += level * level * forMs;
  }

  merge(other: LevelTimes): void {
    for (const [height, ms] of other.#msAt)
      this.#msAt.set(height, (this.#msAt.get(height) ?? 0) + ms);
    this.totalMs += other.totalMs;
    this.levelMs += other.levelMs;
    this.#squaresMs += other.#squaresMs;
  }

  /** The mean over time; 0 where no time has passed. */
  get mean(): number {
    return this.totalMs === 0 ? 0 : this.levelMs / this.totalMs;
  }

  /** Over time; 0 where no time has passed. */
  get variance(): number {
    return this.totalMs === 0 ? 0 : Math.max(0, this.#squaresMs / this.totalMs - this.mean ** 2);
  }

  /** The least height that was not exceeded in this share of the time. */
  percentile(share: number): number {
    let ms = 0;
    const heights = [...this.#msAt].sort(([a], [b]) => a - b);
    for (const [height, forMs] of heights) {
      ms += forMs;
      if (ms >= share * this.totalMs) return height;
    }
    return heights.at(-1)?.[0] ?? 0;
  }
}

function rounded(level: number): number {
  const dropped = Math.max(0, 32 - Math.clz32(level) - EXACT_BITS);
  const step = 2 ** dropped;
  return Math.ceil(level / step) * step;
}
