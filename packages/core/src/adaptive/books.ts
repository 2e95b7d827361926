/** The books of an adaptive pool: what was done, and what could not be had. Others who lease from the same pools may keep them too. */
import { Ladder } from './degradation.js';
import { Usage } from './usage.js';

export class Books {
  readonly usage: Usage;
  readonly ladder: Ladder;

  /** @param detailed whether operations are timed */
  constructor(detailed: boolean, nowNs: () => number) {
    this.usage = new Usage(detailed);
    this.ladder = new Ladder(nowNs);
  }
}

/** Nanoseconds since the process, or the page, began. */
export function now(): number {
  return performance.now() * 1e6;
}
