/** Ops that look at how a thread has loaded this package and core: both are joined there. */
import { Worker } from 'node:worker_threads';
import * as core from '@millrace/core';
import { BufferPools } from '@millrace/core/mill';
import { MillraceError, Slice, currentThread, defineOp } from '@millrace/workers';
import { gzip, sha256 } from '@millrace/workers/ops';

/** What is not the same in the one as in the other. */
export const differences = defineOp(import.meta.url, 'differences', {
  run() {
    const pairs = {
      MillraceError: core.MillraceError === MillraceError,
      Slice: core.Slice === Slice,
      BufferPools: core.BufferPools === BufferPools,
      memory: currentThread().buffers instanceof core.BufferPools,
      gzip: gzip.url.endsWith('/dist/ops/gzip.js'),
    };
    return { names: Object.keys(pairs).filter((name) => !pairs[name]) };
  },
});

/** Submits a built-in op of this package. */
export const hashed = defineOp(import.meta.url, 'hashed', {
  run: async (bytes, _params, { mill }) => (await mill.run(sha256, bytes)).length,
});

/** What a thread says that the op has started, and that is none of the mill's. */
export const started = defineOp(import.meta.url, 'started', {
  run: () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./joined-thread.mjs', import.meta.url), {
        workerData: 'not a birth',
      });
      worker.once('message', resolve);
      worker.once('error', reject);
    }),
});
