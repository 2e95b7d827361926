// npm run deaths [-- --count N --seed N]: builds, then lets the threads of a mill die in every way and in every situation,
// 1,000 of them. Each task must settle in time, and as it should; no slice, no permit and no id may be lost.

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { root } from './lib/root.mjs';
import { say } from './lib/run.mjs';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
});
build();
const { dieInAllWays } = await import(
  pathToFileURL(join(root, 'packages/workers/test/stress/deaths.mjs')).href
);
const { deaths, rounds, tasks, slowestMs, slowest, faults } = await dieInAllWays({
  deaths: Number(values.count),
  seed: Number(values.seed),
  say,
});
for (const fault of faults) say(fault);
say(
  `${deaths} threads died in ${rounds} rounds of 40 kinds of death, over ${tasks.toLocaleString('en')} tasks; the slowest took ${Math.round(slowestMs)} ms (${slowest}); faults: ${faults.length}`,
);
process.exitCode = faults.length > 0 ? 1 : 0;
