/**
 * How many cells may be in use at a time.
 *
 * All of them, as a rule: the more tasks lie ready, the longer the workers have enough to do while the owner is at
 * something else. But where results come as fast as the owner takes them, a few cells are enough: those stay in everyone's
 * cache, where thousands would not. The other tasks wait in the backlog.
 */

/** So many cells go round then: 64 KiB. */
const FEW = 512;
/** Results come as fast as they are taken when each takes no longer than this, of which the owner takes a part. */
const QUICK_MS = 0.004;

export class Circulation {
  readonly #all: number;
  #most: number;
  #results = 0;
  #sinceMs = 0;

  /** @param all how many cells there are */
  constructor(all: number) {
    this.#all = this.#most = all;
  }

  get most(): number {
    return this.#most;
  }

  /** The owner has taken so many results more. Now and then it looks how long they took. */
  took(results: number): void {
    this.#results += results;
    if (this.#results < FEW) return;
    const now = performance.now();
    this.#most = now - this.#sinceMs < this.#results * QUICK_MS ? FEW : this.#all;
    this.#results = 0;
    this.#sinceMs = now;
  }
}
