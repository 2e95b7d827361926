/** Prints from threads that are recycled after each task. */
import { createMill } from '@millrace/workers';
import { print } from './thread-ops.mjs';

const mill = await createMill({ threads: 1, recycle: { afterTasks: 1 } });
for (let i = 0; i < 3; i++) await mill.run(print, undefined, { lines: 2000 });
await mill.close();
