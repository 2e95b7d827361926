// npm start: sets up, builds, then runs the showcase, or with arguments the millrace command.
//
//   npm start                        the showcase
//   npm start -- gzip big.log        millrace gzip big.log

import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root } from './lib/root.mjs';
import { become } from './lib/run.mjs';

const args = process.argv.slice(2);

build();
become(
  args.length > 0
    ? [join(root, 'packages/cli/dist/bin.js'), ...args]
    : [join(root, 'packages/bench/dist/showcase.js')],
);
