/** A thread that leases and returns warm slices of 4 KiB, as fast as it can, in rounds that main starts. */
import { parentPort, workerData } from 'node:worker_threads';
import { BufferPools, type MemoryHandle, type ThreadId } from '@millrace/core';

/** What a lease worker is told. */
export interface LeaseOrders {
  readonly memory: MemoryHandle;
  readonly thread: ThreadId;
  /** Word 0: the round that may begin; it is waited for without a look at any other word. */
  readonly rounds: Int32Array;
  /** How long a round is. */
  readonly ms: number;
}

const SLICE_BYTES = 4096;
const { memory, thread, rounds, ms } = workerData as LeaseOrders;
const pools = BufferPools.attach(memory, thread);

/** Between two looks at the clock. */
const BATCH = 10_000;

function lease(count: number): void {
  for (let i = 0; i < count; i++) pools.acquire(SLICE_BYTES).release();
}

/** Leases until the time is up; ns for one lease and return. */
function leaseFor(time: number): number {
  const startedAt = performance.now();
  let leased = 0;
  let elapsed: number;
  do {
    lease(BATCH);
    leased += BATCH;
    elapsed = performance.now() - startedAt;
  } while (elapsed < time);
  return (elapsed * 1e6) / leased;
}

// Twice, so that the compiler has seen it all before the first round.
leaseFor(ms);
let ns = leaseFor(ms);
for (let round = 0; ; round++) {
  parentPort!.postMessage(ns);
  Atomics.wait(rounds, 0, round);
  ns = leaseFor(ms);
}
