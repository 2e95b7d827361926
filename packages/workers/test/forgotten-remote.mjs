/** Makes remote objects and a callback, uses them, and forgets them. */
import { createMill, proxy } from '@millrace/workers';

const mill = await createMill({ threads: 1 });
const url = new URL('objects.mjs', import.meta.url);
const object = await mill.remote(url, 'Counter');
const child = await object.child(1);
const [sum] = await object.each(
  [1],
  proxy(async (n) => n + (await child.add(1))),
);
process.stdout.write(`${sum}\n`);
