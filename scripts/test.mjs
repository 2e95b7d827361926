// npm test: sets up, builds, checks everything, and runs all tests.
//
//   npm test                       everything
//   npm test -- packages/core      after the build, only the tests whose path holds these words

import { build } from './lib/build.mjs';
import { checks, runChecks } from './lib/checks.mjs';
import { forgetExplorations, sayExplored } from './lib/explorations.mjs';
import { setupSystemCommands } from './lib/system-commands.mjs';
import { runTests, saySkipped } from './lib/vitest.mjs';

const filters = process.argv.slice(2);

build();
const equipped = setupSystemCommands();
// The tests run even when a check fails: one run should tell all that is wrong.
const checked = filters.length > 0 || (await runChecks(Object.keys(checks)));
forgetExplorations();
const tally = await runTests({ name: 'node', filters });
saySkipped(tally);
const explored = filters.length > 0 || sayExplored();
process.exitCode =
  equipped && checked && explored && tally.failed === 0 && tally.passed > 0 ? 0 : 1;
