/** Threads that do one job together: whole workers, each with a compiler that has seen nothing else. */
import { Worker, parentPort, workerData } from 'node:worker_threads';
import { Barrier, type ThreadId } from '@millrace/core';

interface Place {
  readonly order: object;
  readonly barrier: Int32Array;
  readonly thread: ThreadId;
}

/** How long a thread's part took, by a clock that all threads of a process share. */
interface Span {
  readonly startedAtNs: number;
  readonly endedAtNs: number;
}

/**
 * Starts a thread for each order, on a script that calls {@link workTogether}; how long they took, from
 * the first one's start to the last one's end, in ns.
 */
export async function timeThreads(script: URL, orders: readonly object[]): Promise<number> {
  const barrier = new Int32Array(new SharedArrayBuffer(4 * Barrier.WORDS));
  Barrier.init(barrier, 0, orders.length);
  const spans = await Promise.all(
    orders.map((order, i) => runThread(script, { order, barrier, thread: (i + 1) as ThreadId })),
  );
  const startedAtNs = Math.min(...spans.map((span) => span.startedAtNs));
  return Math.max(...spans.map((span) => span.endedAtNs)) - startedAtNs;
}

/** In such a thread: does `job` twice, beginning with the others. The first time is for the compilers. */
export function workTogether(job: (order: object, warmingUp: boolean) => void): void {
  const { order, barrier, thread } = workerData as Place;
  const start = new Barrier(barrier, 0, thread);
  start.wait();
  job(order, true);
  start.wait();
  const startedAtNs = now();
  job(order, false);
  parentPort!.postMessage({ startedAtNs, endedAtNs: now() } satisfies Span);
}

function runThread(script: URL, place: Place): Promise<Span> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: place, execArgv: [] });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`A thread ended with code ${code}`)));
  });
}

function now(): number {
  return Number(process.hrtime.bigint());
}
