// npm run check [-- name ...]: builds, then runs the named checks, or all of them.

import { build } from './lib/build.mjs';
import { checks, runChecks } from './lib/checks.mjs';
import { say } from './lib/run.mjs';

const known = Object.keys(checks);
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !known.includes(name));
if (unknown) {
  say(`Cannot run the check "${unknown}": the checks are ${known.join(', ')}`);
  process.exit(2);
}

build();
process.exitCode = (await runChecks(asked.length > 0 ? asked : known)) ? 0 : 1;
