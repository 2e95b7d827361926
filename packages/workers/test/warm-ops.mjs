/** An op that tells when its module was imported, for the tests of warming up. */
import { threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const importedAt = performance.now();

/** When its module was imported on the thread that runs it, and where that is. */
export const imported = defineOp(import.meta.url, 'imported', {
  run: (_bytes, { gate }) => {
    Atomics.add(gate, 1, 1);
    Atomics.wait(gate, 0, 0);
    return { threadId, agoMs: performance.now() - importedAt };
  },
});

export const notAnOp = 7;
