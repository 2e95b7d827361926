// npm run clean: removes everything that a build or a test run has made. Dependencies stay.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageDirs, reportsDir, root } from './lib/root.mjs';

const made = ['dist', '.turbo', 'coverage'];
for (const dir of [root, ...packageDirs()]) {
  for (const name of made) rmSync(join(dir, name), { recursive: true, force: true });
}
for (const dir of [reportsDir, join(root, '.cache')]) rmSync(dir, { recursive: true, force: true });
