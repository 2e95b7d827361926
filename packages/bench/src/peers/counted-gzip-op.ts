/**
 * gzip that counts, over all threads, how many objects it is at in the same moment.
 *
 *   word 0  NOW    four bits an object: how many threads are at chunks of it
 *   word 1  MOST   the most objects that there ever were threads at
 *
 * One addition changes NOW and tells what it was, so the count is that of a moment.
 */
import { defineOp, type Frame, type Written } from '@millrace/workers';
import { gzip, type GzipParams } from '@millrace/workers/ops';

export interface CountedGzipParams extends GzipParams {
  /** Shared by all objects: from {@link newCount}. */
  readonly count: Int32Array;
  /** Which object it is, from 0; less than {@link MOST_OBJECTS}. */
  readonly object: number;
}

export const MOST_OBJECTS = 7;

const NOW = 0;
const MOST = 1;
const OBJECT_BITS = 4;
const { outputBound, split, merge, run } = gzip.definition;

export function newCount(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** The most objects that were worked at in the same moment. */
export function mostAtOnce(count: Int32Array): number {
  return Atomics.load(count, MOST);
}

export const countedGzip = defineOp<CountedGzipParams>(import.meta.url, 'countedGzip', {
  outputBound: outputBound!,
  split: split!,
  merge: merge as Frame<GzipParams, unknown>,
  run(bytes, params, context) {
    const { count, object } = params;
    const one = 1 << (object * OBJECT_BITS);
    const objects = objectsIn(Atomics.add(count, NOW, one) + one);
    for (let most = 0; (most = Atomics.load(count, MOST)) < objects;) {
      Atomics.compareExchange(count, MOST, most, objects);
    }
    try {
      return run(bytes, params, context) as Written;
    } finally {
      Atomics.sub(count, NOW, one);
    }
  },
});

function objectsIn(now: number): number {
  let objects = 0;
  for (let left = now; left !== 0; left >>>= OBJECT_BITS) {
    if ((left & ((1 << OBJECT_BITS) - 1)) !== 0) objects++;
  }
  return objects;
}
