/** An op that opens all the files there may be, and what it fails with, and how many threads have died of it. */
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { createMill, defineOp } from '@millrace/workers';

export const greedy = defineOp(import.meta.url, 'greedy', {
  run() {
    for (;;) openSync(fileURLToPath(import.meta.url));
  },
});

if (isMainThread) {
  const mill = await createMill({ threads: 1 });
  const { code, cause } = await mill.run(greedy).catch((error) => error);
  console.log(code, cause.code, mill.stats().deaths);
  process.exit();
}
