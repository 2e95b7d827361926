/** A thread that an op has started: it has the condition of the mill's threads, and has a mill of its own. */
import { parentPort } from 'node:worker_threads';
import { attachMill, createMill, currentThread } from '@millrace/workers';
import { crc32 } from '@millrace/workers/ops';

const bytes = new TextEncoder().encode('123456789');
const mill = await createMill({ threads: 1 });
const branch = attachMill(mill.handle());
let code;
try {
  currentThread();
} catch (error) {
  code = error.code;
}
parentPort?.postMessage([code, await mill.run(crc32, bytes), await branch.run(crc32, bytes)]);
await branch.close();
await mill.close();
