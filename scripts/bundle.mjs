// node ../../scripts/bundle.mjs <entry>...: joins what tsc has made of a package, for the threads of a mill.
//
// A thread loads its modules while the first task waits for it, and each file costs half a millisecond. Entries are files
// of dist; the joined ones lie in dist/joined. Threads find them by the condition "millrace-thread".

import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

const dist = join(process.cwd(), 'dist');
const input = Object.fromEntries(
  process.argv.slice(2).map((entry) => [basename(entry, '.js'), join(dist, entry)]),
);
const bundle = await rolldown({
  input,
  platform: 'node',
  external: [/^node:/, /^@millrace\//],
});
await bundle.write({ dir: join(dist, 'joined'), format: 'esm', chunkFileNames: '[name].js' });
