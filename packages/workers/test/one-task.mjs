/**
 * Makes a mill, runs one task that takes a while, and comes to its end without closing the mill.
 * With `none`, runs no task; with `dying`, its thread dies once; with `beside`, another mill ends a task meanwhile.
 */
import { createMill } from '@millrace/workers';
import { exit, later } from './ops.mjs';

const [how] = process.argv.slice(2);
const mill = await createMill({ threads: 2 });

const task =
  how === 'none'
    ? undefined
    : how === 'dying'
      ? mill.run(exit, new Uint8Array([7]), {
          gate: new Int32Array(new SharedArrayBuffer(8)),
          times: 1,
          code: 0,
        })
      : mill.run(later, new Uint8Array([7]), { turns: how === 'beside' ? 500_000 : 20_000 });
void task?.then((result) => console.log('result', result));
if (task) console.log('begun');
if (how === 'beside') {
  const other = await createMill({ threads: 1 });
  await other.run(later, new Uint8Array([7]));
}
