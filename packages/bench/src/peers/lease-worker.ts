/** A thread that leases and returns warm slices of 4 KiB, as fast as it can, in rounds that main starts. */
import { parentPort, workerData } from 'node:worker_threads';
import { BufferPools, type MemoryHandle, type ThreadId } from '@millrace/core';

/** What a lease worker is told. */
export interface LeaseOrders {
  readonly memory: MemoryHandle;
  readonly thread: ThreadId;
  /** Word 0: the round that may begin; it is waited for without a look at any other word. */
  readonly rounds: Int32Array;
  readonly leases: number;
}

const SLICE_BYTES = 4096;
const { memory, thread, rounds, leases } = workerData as LeaseOrders;
const pools = BufferPools.attach(memory, thread);

function lease(count: number): void {
  for (let i = 0; i < count; i++) pools.acquire(SLICE_BYTES).release();
}

// Twice, so that the compiler has seen it all before the first round.
lease(leases);
lease(leases);
for (let round = 0; ; round++) {
  parentPort!.postMessage(undefined);
  Atomics.wait(rounds, 0, round);
  lease(leases);
}
