/** gzip that counts how many of its chunks are at work at one time, over all threads. */
import { defineOp, type Frame, type Written } from '@millrace/workers';
import { gzip, type GzipParams } from '@millrace/workers/ops';

export interface CountedGzipParams extends GzipParams {
  /** Shared by all threads: how many run now, and the most there ever were. */
  readonly running: Int32Array;
}

const NOW = 0;
const MOST = 1;
const { outputBound, split, merge, run } = gzip.definition;

export const countedGzip = defineOp<CountedGzipParams>(import.meta.url, 'countedGzip', {
  outputBound: outputBound!,
  split: split!,
  merge: merge as Frame<GzipParams, unknown>,
  run(bytes, params, context) {
    const { running } = params;
    const now = Atomics.add(running, NOW, 1) + 1;
    for (let most = 0; (most = Atomics.load(running, MOST)) < now;) {
      Atomics.compareExchange(running, MOST, most, now);
    }
    try {
      return run(bytes, params, context) as Written;
    } finally {
      Atomics.sub(running, NOW, 1);
    }
  },
});

/** The most that ran at one time. */
export function mostAtOnce(running: Int32Array): number {
  return Atomics.load(running, MOST);
}
