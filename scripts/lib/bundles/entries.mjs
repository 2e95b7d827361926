// Joins what tsc has made of a package, for whoever imports it: dist/entries/<entry>.js, and files that these share.
//
// Each module that Node.js loads takes three quarters of a millisecond, and there are hundreds.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { addressed, dist, manifest } from './package.mjs';

const folder = join(dist, 'entries');

export async function joinEntries() {
  const names = [...manifest.matchAll(/"\.\/dist\/entries\/(\w+)\.js"/g)].map(
    ([, name]) => name ?? '',
  );
  rmSync(folder, { recursive: true, force: true });
  const bundle = await rolldown({
    input: Object.fromEntries(names.map((name) => [name, join(dist, `${name}.js`)])),
    platform: 'neutral',
    // Core runs in browsers too, and what belongs to others is not ours to copy.
    external: /^[\w@]/,
    resolve: { conditionNames: ['node', 'default'] },
    plugins: [{ name: 'addresses', load: (id) => addressed(id, folder) }],
  });
  await bundle.write({
    dir: folder,
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    sourcemap: true,
    comments: false,
  });
}
