/**
 * A thread that counts what a piece of work allocates, on its heap and beside it.
 *
 * Its young generation is so large that nothing is collected meanwhile: what is there at the end and was
 * not at the beginning was allocated. Shared memory is not counted: it is there before.
 */
import { parentPort } from 'node:worker_threads';
import { getHeapStatistics } from 'node:v8';
import { collectGarbage } from '../measure/collect-garbage.js';
import { withGarbage } from '../measure/garbage.js';
import { Workplace, type Work } from '../peers/object-work.js';

export interface AllocationOrder extends Work {
  readonly size: number;
}

/** Bytes for one object; undefined when something was collected whenever it was tried. */
export type Allocated = number | undefined;

/** V8 begins to collect when 64 MiB more of array buffers are in use than after the last collection. */
const MOST_BYTES = 16 * 2 ** 20;
/** And when the first MiB of the young generation is full. */
const MOST_OBJECTS = 100;
const WARM_UP_MS = 20;
const ATTEMPTS = 5;

const workplace = new Workplace();

parentPort!.on('message', (order: AllocationOrder) => {
  void allocatedBy(order).then((bytes) => parentPort!.postMessage(bytes));
});

async function allocatedBy({ size, ...work }: AllocationOrder): Promise<Allocated> {
  const handle = workplace.handle(work);
  const until = performance.now() + WARM_UP_MS;
  do await handle(size);
  while (performance.now() < until);
  const objects = Math.max(1, Math.min(MOST_OBJECTS, MOST_BYTES / size));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // Twice: the second waits until the first has freed all.
    collectGarbage();
    collectGarbage();
    const { result, garbage } = await withGarbage(async () => {
      // To look takes an object too.
      const empty = -bytesInUse() + bytesInUse();
      const before = bytesInUse() + empty;
      for (let i = 0; i < objects; i++) {
        const handled = handle(size);
        if (handled instanceof Promise) await handled;
      }
      return Math.max(0, bytesInUse() - before);
    });
    if (garbage.count === 0) return result / objects;
  }
  return undefined;
}

function bytesInUse(): number {
  const { used_heap_size: heap, external_memory: beside } = getHeapStatistics();
  return heap + beside;
}
