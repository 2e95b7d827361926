/** Real threads for the tests of rings and metrics: each does one of the jobs in rings-thread.mjs. */
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

export interface Running<T> {
  readonly worker: Worker;
  /** What the job returned; rejects when the thread failed or was ended before. */
  readonly result: Promise<T>;
}

export function start<T>(job: string, orders: object): Running<T> {
  const worker = new Worker(new URL('./rings-thread.mjs', import.meta.url), {
    workerData: { job, orders },
    execArgv: [],
  });
  const result = new Promise<T>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`The thread ended with code ${code}`)));
  });
  // Whoever is killed has nobody who waits for its result.
  result.catch(() => {});
  return { worker, result };
}

/** Ends a thread between any two instructions, and resolves after its `exit`. */
export async function kill({ worker }: Running<unknown>): Promise<void> {
  await worker.terminate();
}

/** Resolves when `condition` holds. It looks now and then, and leaves the processors to the others meanwhile. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(1);
}

export function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}
