/** A thread of the user's own that submits tasks to a mill of another thread, as its parent says. */
import { parentPort, workerData } from 'node:worker_threads';
import { attachMill } from '@millrace/workers';
import { describe, meeting, refuse, sum } from './branch-ops.mjs';

const mill = attachMill(workerData);

const acts = {
  async sums({ count }) {
    const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
    const sums = await Promise.all(Array.from({ length: count }, () => mill.run(sum, bytes)));
    return sums.every((total) => total === 4950);
  },
  async describe() {
    return mill.run(describe, new Uint8Array(12), { label: 'from outside' });
  },
  async refuse() {
    return mill.run(refuse).catch(({ code, message }) => ({ code, message }));
  },
  async slice() {
    const slice = mill.buffers.acquire(50_000);
    slice.bytes.fill(1);
    const total = await mill.run(sum, slice);
    slice.release();
    return total;
  },
  meet({ count }) {
    return meeting(mill, mill.buffers, count);
  },
  async flood() {
    // Never ends: to be killed over it.
    mill.buffers.acquire(300_000);
    for (;;) {
      await Promise.all(Array.from({ length: 50 }, () => mill.run(sum, new Uint8Array(5000))));
      parentPort.postMessage('flooding');
    }
  },
  async after() {
    return mill.run(sum, new Uint8Array(1)).then(
      () => 'went well',
      ({ code }) => code,
    );
  },
  async close() {
    await mill.close();
    return 'closed';
  },
};

parentPort.on('message', async ({ act, ...order }) => {
  parentPort.postMessage(await acts[act](order));
});
