// Sums the test runner's reports, and names what failed: the last lines that .ci/run prints.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { reportsDir } from './lib/root.mjs';
import { readTally } from './lib/vitest.mjs';

let passed = 0;
let failed = 0;
const names = existsSync(reportsDir) ? readdirSync(reportsDir) : [];
for (const name of names.filter((file) => file.endsWith('.json'))) {
  const tally = readTally(join(reportsDir, name));
  passed += tally.passed;
  failed += tally.failed;
  for (const failure of tally.failures) console.log(`Failed (${name}): ${failure}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
