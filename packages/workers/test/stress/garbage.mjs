/** Collects garbage, of the heap of the thread that it is called in. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
export const collectGarbage = runInNewContext('gc');

/**
 * Called as often at once as there are threads, it is called once by each: none goes on before all have come.
 *
 * @param {Int32Array} come How many have; shared, and 0 at first
 * @param {number} threads
 */
export function collectInEachThread(come, threads) {
  collectGarbage();
  Atomics.add(come, 0, 1);
  Atomics.notify(come, 0);
  for (let count; (count = Atomics.load(come, 0)) < threads;) {
    if (Atomics.wait(come, 0, count, 10_000) === 'timed-out') throw new Error('A thread is busy');
  }
}
