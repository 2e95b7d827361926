/** How long a thread takes over objects, and what that leaves to the garbage collector. */
import { collectGarbage } from './collect-garbage.js';
import { withGarbage, type Garbage } from './garbage.js';
import { repeat, withOwnTime } from './own-time.js';

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

/** How long objects are handled without a look at what time others have taken. */
const STEP_MS = 4;
/** No look at the clock for fewer bytes. */
const BATCH_BYTES = 64 * 1024;
const MOST_LATENCIES = 5000;

/** Objects of one size for `ms` milliseconds, and before that for `warmUpMs`; then for half as long single ones. */
export async function measureSize(
  handle: Handle,
  size: number,
  { ms, warmUpMs }: { readonly ms: number; readonly warmUpMs: number },
): Promise<Measured> {
  // Nobody pays for the garbage of others.
  collectGarbage();
  await manyOf(handle, size, warmUpMs);
  const load = await measure(() => manyOf(handle, size, ms));
  return { ...load, latencies: await latenciesOf(handle, size, ms / 2) };
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

/** Objects for `ms` milliseconds of this thread's own time; how many. */
async function manyOf(handle: Handle, size: number, ms: number): Promise<number> {
  const batch = Math.max(1, Math.floor(BATCH_BYTES / size));
  let objects = 0;
  await repeat(async () => {
    const until = performance.now() + STEP_MS;
    do {
      for (let i = 0; i < batch; i++) {
        const handled = handle(size);
        if (handled instanceof Promise) await handled;
      }
      objects += batch;
    } while (performance.now() < until);
  }, ms);
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
