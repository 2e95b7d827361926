/** An op that imports nothing of core. */
import { createRequire } from 'node:module';
import { defineOp } from '@millrace/workers';

const { cache } = createRequire(import.meta.url);

/** Whether this thread has loaded what it needs for some tasks only. */
const isLaden = () =>
  Object.keys(cache).some((path) => /joined.(seldom|mill|branch)\.cjs$/.test(path));

/** 1 if it is laden at first, and 2 more if it is when it has leased. */
export const laden = defineOp(import.meta.url, 'laden', {
  run(_bytes, _params, context) {
    const before = isLaden();
    context.buffers.acquire(1).release();
    return (before ? 1 : 0) + (isLaden() ? 2 : 0);
  },
});
