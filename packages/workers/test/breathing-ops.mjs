/** Ops that take long and breathe, and small ones that their breath lets run. */
import { threadId } from 'node:worker_threads';
import { defineOp } from '@millrace/workers';

const url = import.meta.url;
/** More breaths than any test needs. */
const MOST_BREATHS = 50_000_000;

let visits = 0;

/** Breathes until `count` visitors have come to its thread. */
export const waitForVisits = defineOp(url, 'waitForVisits', {
  run(_bytes, { count }, context) {
    const before = visits;
    for (let i = 0; i < MOST_BREATHS && visits - before < count; i++) context.breathe();
    return visits - before;
  },
});

export const breatheUntilCancelled = defineOp(url, 'breatheUntilCancelled', {
  run(_bytes, _params, context) {
    while (!context.cancelled) context.breathe();
  },
});

export const visit = defineOp(url, 'visit', {
  run() {
    visits++;
    return threadId;
  },
});

export const visitLater = defineOp(url, 'visitLater', {
  async run() {
    visits++;
    await new Promise((resolve) => setImmediate(resolve));
    return threadId;
  },
});

export const stumble = defineOp(url, 'stumble', {
  run() {
    visits++;
    throw new Error('over the doorstep');
  },
});
