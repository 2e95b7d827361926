// npm run stress [-- --seconds N --seed N]: builds, then lets four threads lease, share, resize and hand over slices of
// one memory for five minutes, terminating one of them every 50 ms. Every byte must be right, and no slot lost.

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root } from './lib/root.mjs';
import { say } from './lib/run.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
});
build();
const { stress } = await import(
  pathToFileURL(join(root, 'packages/core/test/stress/stress.mjs')).href
);
const { ops, kills, swept, patterns, lost, faults } = await stress({
  seconds: Number(values.seconds),
  seed: Number(values.seed),
});
for (const fault of faults) say(fault);
say(
  `${ops.toLocaleString('en')} operations, ${kills} threads killed, ${swept} slices swept, ${patterns.toLocaleString('en')} patterns checked, slots lost: ${lost}`,
);
process.exitCode = faults.length > 0 || lost > 0 ? 1 : 0;
