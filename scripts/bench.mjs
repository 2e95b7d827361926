// npm run bench [-- name]: builds, then answers one question about speed, or all of them.

import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root } from './lib/root.mjs';
import { become } from './lib/run.mjs';

build();
become([join(root, 'packages/bench/dist/main.js'), ...process.argv.slice(2)]);
