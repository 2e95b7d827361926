/** How long a thread takes over objects, and what that leaves to the garbage collector. */
import { collectGarbage } from './collect-garbage.js';
import { withGarbage, type Garbage } from './garbage.js';
import { withOwnTime } from './own-time.js';

/** Handles an object of so many bytes; at once, or not. */
type Handle = (size: number) => unknown;

export interface Load extends Garbage {
  readonly objects: number;
  readonly elapsedNs: number;
}

export interface Measured extends Load {
  /** How long single objects took, in nanoseconds. */
  readonly latencies: Float64Array;
}

/** After a collection compilers must get going again: they forget code that was not in use. */
const WARM_UP_MS = 20;
/** No look at the clock for fewer bytes. */
const BATCH_BYTES = 64 * 1024;
const MOST_LATENCIES = 5000;

/** Objects of one size for `ms` milliseconds, then as long at most for single ones. */
export async function measureSize(handle: Handle, size: number, ms: number): Promise<Measured> {
  // Nobody pays for the garbage of others.
  collectGarbage();
  await manyOf(handle, size, Math.min(ms, WARM_UP_MS));
  const load = await measure(() => manyOf(handle, size, ms));
  return { ...load, latencies: await latenciesOf(handle, size, ms) };
}

/** One object of each of these sizes, in their order. */
export function measureLoad(handle: Handle, sizes: readonly number[]): Promise<Load> {
  collectGarbage();
  return measure(async () => {
    for (const size of sizes) {
      const handled = handle(size);
      if (handled instanceof Promise) await handled;
    }
    return sizes.length;
  });
}

/** @param work returns how many objects it has handled */
async function measure(work: () => Promise<number>): Promise<Load> {
  const { result, garbage } = await withGarbage(() => withOwnTime(work));
  return { objects: result.result, elapsedNs: result.elapsedNs, ...garbage };
}

async function manyOf(handle: Handle, size: number, ms: number): Promise<number> {
  const batch = Math.max(1, Math.floor(BATCH_BYTES / size));
  let objects = 0;
  const until = performance.now() + ms;
  do {
    for (let i = 0; i < batch; i++) {
      const handled = handle(size);
      if (handled instanceof Promise) await handled;
    }
    objects += batch;
  } while (performance.now() < until);
  return objects;
}

async function latenciesOf(handle: Handle, size: number, ms: number): Promise<Float64Array> {
  const latencies = new Float64Array(MOST_LATENCIES);
  const until = performance.now() + ms;
  let count = 0;
  for (let startedAt = performance.now(); count < MOST_LATENCIES && startedAt < until; count++) {
    const handled = handle(size);
    if (handled instanceof Promise) await handled;
    const endedAt = performance.now();
    latencies[count] = (endedAt - startedAt) * 1e6;
    startedAt = endedAt;
  }
  return latencies.slice(0, count);
}
