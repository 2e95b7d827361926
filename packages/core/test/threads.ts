/** Real threads for tests: each does one of the jobs in thread.mjs. */
import { Worker, type MessagePort } from 'node:worker_threads';

/** What each job is told. */
export interface Jobs {
  growArena: { arena: unknown; signals: Int32Array };
  countUp: {
    handle: unknown;
    thread: number;
    index: number;
    amount: number;
    times: number;
    progress: Int32Array;
  };
  churn: ChurnOrders;
  wait: {
    handle: unknown;
    thread: number;
    bytes: number;
    timeoutMs: number;
    numbers: Int32Array;
    keep?: boolean;
  };
  meetRenewals: { handle: unknown; thread: number; port: MessagePort; steps: Int32Array };
  fight: { handle: unknown; thread: number; sizeClass: number; rounds: number; start: Int32Array };
  passOn: { handle: unknown; thread: number; bytes: number; beyond: number[] };
  adoptAndRelease: { handle: unknown; thread: number; slice: unknown; late?: number };
}

export interface ChurnOrders {
  handle: unknown;
  thread: number;
  /** Who uses each slot, by slot reference; 0 for nobody. */
  users: Int32Array;
  seed: number;
  /** How often it tries to lease before it stops; what it still holds is released then. */
  tries: number;
  /** How many slices it holds at most at a time. */
  most: number;
  /** Word 0 becomes 1, and is notified, after `signalAt` tries. */
  signal?: Int32Array;
  signalAt?: number;
  /** It stops when word 0 is no longer 0. */
  stop?: Int32Array;
}

export function startThread<Job extends keyof Jobs>(job: Job, orders: Jobs[Job]): Worker {
  return new Worker(new URL('./thread.mjs', import.meta.url), {
    workerData: { job, orders },
    transferList: 'port' in orders ? [orders.port] : [],
    execArgv: [],
  });
}

/** Resolves with what the job returns; rejects when its thread ends before that. */
export async function runJob<Job extends keyof Jobs>(
  job: Job,
  orders: Jobs[Job],
): Promise<unknown> {
  return resultOf(startThread(job, orders));
}

export async function resultOf(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) =>
      reject(new Error(`The thread ended without a result, code ${code}`)),
    );
  });
}

/** Resolves when the word at `index` is no longer `from`. It waits on the word itself: no message, no polling. */
export async function changed(
  words: Int32Array<SharedArrayBuffer>,
  index: number,
  from: number,
): Promise<void> {
  while (Atomics.load(words, index) === from) {
    const wait = Atomics.waitAsync(words, index, from);
    if (wait.async) await wait.value;
  }
}

/** `count` words that threads can wait on, zero at first. */
export function sharedWords(count: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}
