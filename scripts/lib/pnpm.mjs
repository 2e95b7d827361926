// pnpm at the version that package.json names, fetched by npm: a fresh clone needs nothing but Node.js and npm.

import { join } from 'node:path';
import { execNpm } from './npm.mjs';
import { readJson, root } from './root.mjs';

/** @param {string[]} command - What to run with pnpm on PATH, such as `pnpm install` or `turbo run build` */
export function execWithPnpm(...command) {
  const { packageManager } = readJson(join(root, 'package.json'));
  execNpm(['exec', '--yes', `--package=${packageManager}`, '--', ...command]);
}
