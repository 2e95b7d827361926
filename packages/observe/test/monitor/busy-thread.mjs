// A thread of the tests that leaks `lost` buffers, and uses others until it is ended, at whatever it is then; or is quiet.

import { BufferManager, BufferPools } from '@millrace/core';
import { MonitorTap } from '@millrace/observe';
import { parentPort, workerData } from 'node:worker_threads';

const { monitor, pools, thread, quiet, lost } = workerData;
const buffers = BufferPools.attach(pools, thread);
const manager = new BufferManager(buffers, { leakAfterMs: 1, monitoringIntervalMs: 5 });
const tap = MonitorTap.attach({ monitor, buffers });
tap.watch(manager);
for (let n = 0; n < lost; n++) manager.getBuffer(100_000, { tag: 'lost' });
tap.report();
parentPort.postMessage('at work');
if (quiet) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
for (;;) manager.getBuffer(1000).release();
