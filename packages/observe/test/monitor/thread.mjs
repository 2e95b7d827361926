// A thread of the tests: it has a manager that a monitor hears of, and uses `uses` buffers.

import { BufferManager, BufferPools } from '@millrace/core';
import { MonitorTap } from '@millrace/observe';
import { parentPort, workerData } from 'node:worker_threads';

const { handle, pools: poolsHandle, thread, uses, leak } = workerData;
const pools = BufferPools.attach(poolsHandle, thread);
const manager = new BufferManager(pools, { leakAfterMs: 1 });
const tap = MonitorTap.attach({ monitor: handle, buffers: pools });
let told = 0;
tap.watch(manager);
// Beside the tap, so that what the ring counts can be compared with what was told.
manager.onEvent((event) => {
  told++;
  tap.record(event);
}, tap);

for (let n = 0; n < uses; n++) manager.getBuffer(1 + (n % 8000)).release();
if (leak) {
  manager.getBuffer(100_000);
  const since = performance.now();
  while (performance.now() - since < 2);
  manager.upkeep();
}
tap.report();
parentPort.postMessage({ told, statistics: manager.statistics('small') });
