/** Real threads for the tests of the sync room: each does one of the jobs in sync-thread.mjs. */
import { Worker } from 'node:worker_threads';
import { resultOf } from './threads.ts';

export function startThread(job: string, orders: object): Worker {
  return new Worker(new URL('./sync-thread.mjs', import.meta.url), {
    workerData: { job, orders },
    execArgv: [],
  });
}

/** Resolves with what the job returns; rejects when its thread ends before that. */
export async function runJob<Result>(job: string, orders: object): Promise<Result> {
  return resultOf(startThread(job, orders)) as Promise<Result>;
}

/** Gives other threads and this one's event loop their turn until `holds` returns true. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** The code of the error that `promise` rejects with; any other outcome fails the test. */
export async function codeOfRejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code);
    throw error;
  }
  throw new Error('The promise is not rejected');
}
