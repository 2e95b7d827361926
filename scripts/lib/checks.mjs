// Everything that is checked without running the code. Each check is one or more commands; it passes when all do.

import { join, relative } from 'node:path';
import { packageDirs, readJson, root } from './root.mjs';
import { capture, say, tool } from './run.mjs';

/** @type {Record<string, () => string[][]>} */
export const checks = {
  types: () => [[...tool('typescript', 'tsc'), '-b']],
  lint: () => [[...tool('oxlint'), '--deny-warnings', '--report-unused-disable-directives']],
  format: () => [[...tool('prettier'), '--check', '--log-level=warn', '.']],
  unused: () => [[...tool('knip'), '--no-progress', '--no-config-hints']],
  exports: () =>
    publicPackages().map((dir) => [...tool('publint'), dir, '--strict', '--pack=false']),
  entrypoints: () =>
    publicPackages().map((dir) => [
      ...tool('@arethetypeswrong/cli', 'attw'),
      '--pack',
      dir,
      '--profile=esm-only',
      '--quiet',
    ]),
};

function publicPackages() {
  return packageDirs()
    .filter((dir) => !readJson(join(dir, 'package.json')).private)
    .map((dir) => relative(root, dir));
}

/**
 * Runs checks side by side, tells of each as it ends, and prints the output of those that failed.
 *
 * @param {string[]} names
 * @returns {Promise<boolean>} Whether all passed
 */
export async function runChecks(names) {
  const results = await Promise.all(names.map(runCheck));
  return results.every(Boolean);
}

/** @param {string} name */
async function runCheck(name) {
  const started = performance.now();
  const commands = checks[name]?.() ?? [];
  const results = [];
  for (const args of commands) results.push(await capture(process.execPath, args));
  const failed = results.filter((result) => !result.ok);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(failed.length > 0 ? `✗ ${name} (${seconds} s)` : `✓ ${name} (${seconds} s)`);
  for (const { output } of failed) say(output.trimEnd());
  return failed.length === 0;
}
