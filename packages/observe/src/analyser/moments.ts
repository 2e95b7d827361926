/**
 * Mean and standard deviation of values that come one by one, in one pass and without cancellation.
 *
 * Source: B. P. Welford, "Note on a method for calculating corrected sums of squares and products" (1962); the merging
 * of two, T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm" (1979).
 */

export class Moments {
  count = 0;
  mean = 0;
  #squares = 0;

  add(value: number): void {
    this.count += 1;
    const off = value - this.mean;
    this.mean += off / this.count;
    this.#squares += off * (value - this.mean);
  }

  merge(other: Moments): void {
    if (other.count === 0) return;
    const count = this.count + other.count;
    const off = other.mean - this.mean;
    this.#squares += other.#squares + (off * off * this.count * other.count) / count;
    this.mean += (off * other.count) / count;
    this.count = count;
  }

  /** Σ(x − mean)² / (n − 1); of less than two values, 0. */
  get variance(): number {
    return this.count < 2 ? 0 : this.#squares / (this.count - 1);
  }

  get stdDev(): number {
    return Math.sqrt(this.variance);
  }
}
