/** What pieces of work allocate: counted in a thread of its own, see `threads/allocation-worker.ts`. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Allocated, AllocationOrder } from '../threads/allocation-worker.js';

/** Enough that V8 collects nothing on its own while a few fresh buffers are made. */
const YOUNG_GENERATION_MB = 512;
/** Smaller objects can be counted one by one. */
const HALVED_FROM = 32 * 2 ** 20;

export class Allocations {
  readonly #worker = new Worker(new URL('../threads/allocation-worker.js', import.meta.url), {
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });

  /** Bytes for one object, one call at a time; of one that takes more than can be counted, twice what half of it takes. */
  async of(order: AllocationOrder): Promise<number> {
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    const [bytes] = (await answer) as [Allocated];
    if (bytes !== undefined) return bytes;
    if (order.size < HALVED_FROM) {
      throw new Error(`Cannot tell what "${order.by}" allocates as V8 collects garbage meanwhile`);
    }
    return 2 * (await this.of({ ...order, size: order.size / 2 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}
