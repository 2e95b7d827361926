// npm run soak [-- --seconds N --seed N]: builds, then has an adaptive pool and its mill do all they can for an hour,
// under a load that rises and falls. Memory must stay flat, every byte must be right, and nothing may be lent at the end.
//
// --min-semi-space-size=16 gives the young generations of all threads the size at once, in MiB, that they come to sooner
// or later under load: those of workers grow for most of an hour else, the more is done the faster.

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root } from './lib/root.mjs';
import { say } from './lib/run.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '3600' }, seed: { type: 'string', default: '1' } },
});
build();
const { percent, soak } = await import(
  pathToFileURL(join(root, 'packages/workers/test/stress/soak.mjs')).href
);
const { operations, counts, live, activeBuffers, growth, faults } = await soak({
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  say,
});
for (const fault of faults) say(fault);
say(
  `${operations.toLocaleString('en')} operations: ${Object.entries(counts)
    .map(([name, count]) => `${name} ${count.toLocaleString('en')}`)
    .join(', ')}`,
);
for (const [what, { partAnHour, confidence, samples }] of Object.entries(growth)) {
  say(
    `Memory, ${what}: ${percent(partAnHour)} ± ${percent(confidence)} of the budget in an hour, from ${samples} samples; at most 1 % is allowed`,
  );
}
say(`Lent at the end: ${live} slices, ${activeBuffers} buffers of the adaptive pool`);
process.exitCode = faults.length > 0 || live > 0 || activeBuffers > 0 ? 1 : 0;
