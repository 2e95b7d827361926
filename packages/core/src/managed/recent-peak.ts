/**
 * Recent peak: the most buffers in use at once over the last ten periods, the running one included.
 */

const PERIODS = 10;

export class RecentPeak {
  readonly #former: number[] = [];
  #running = 0;

  /** So many are in use now. */
  note(inUse: number): void {
    if (inUse > this.#running) this.#running = inUse;
  }

  /** The next period begins, with so many in use. */
  advance(inUse: number): void {
    this.#former.push(this.#running);
    if (this.#former.length === PERIODS) this.#former.shift();
    this.#running = inUse;
  }

  get value(): number {
    return Math.max(this.#running, ...this.#former);
  }
}
