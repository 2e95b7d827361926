// Runs the test suite on a given Node.js, and counts what passed and failed from the runner's own JSON report.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { readJson, reportsDir, root } from './root.mjs';
import { say, tool } from './run.mjs';

const emptyReport = { numPassedTests: 0, testResults: [] };

/**
 * @typedef {object} Tally
 * @property {number} passed
 * @property {number} failed
 * @property {string[]} failures - Names of the tests that failed, each with the first line of what it said
 * @property {string[]} skipped - Names of the tests that were skipped
 */

/**
 * @param {object} options
 * @param {string} options.name - Of the report: `.reports/<name>.json`
 * @param {string[]} [options.filters] - Arguments for vitest
 * @param {string} [options.node] - The Node.js to run on
 * @returns {Promise<Tally>}
 */
export async function runTests({ name, filters = [], node = process.execPath }) {
  const report = join(reportsDir, `${name}.json`);
  mkdirSync(reportsDir, { recursive: true });
  rmSync(report, { force: true });

  // Tests start `node` by its name too: it must be the same one.
  const pathName = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  const env = {
    ...process.env,
    [pathName]: `${dirname(node)}${delimiter}${process.env[pathName] ?? ''}`,
  };
  const args = [...tool('vitest'), 'run', `--outputFile.json=${report}`, ...filters];
  const code = await new Promise((done) => {
    const child = spawn(node, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (error) => {
      say(error.message);
      done(1);
    });
    child.on('close', (status) => done(status ?? 1));
  });

  // An error outside every test fails the run, yet vitest's report knows nothing of it. The exit code does.
  const written = existsSync(report) ? readJson(report) : emptyReport;
  writeFileSync(report, JSON.stringify({ ...written, exitCode: code }));
  return readTally(report);
}

/**
 * What a report says. A run that ended badly counts as one failure at least.
 *
 * @param {string} report
 * @returns {Tally}
 */
export function readTally(report) {
  const { numPassedTests, testResults, exitCode } = readJson(report);
  /**
   * @type {{
   *   status: string;
   *   name: string;
   *   message?: string;
   *   assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
   * }[]}
   */
  const files = testResults;
  // A file that could not be loaded has no tests to count, and has failed all the same.
  const brokenFiles = files.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const skipped = files.flatMap((file) =>
    file.assertionResults
      .filter(
        (test) => test.status === 'skipped' || test.status === 'pending' || test.status === 'todo',
      )
      .map((test) => `${relative(root, file.name)}: ${test.fullName}`),
  );
  const failures = [
    ...brokenFiles.map((file) => `${relative(root, file.name)}: ${firstLine(file.message)}`),
    ...files.flatMap((file) =>
      file.assertionResults
        .filter((test) => test.status === 'failed')
        .map(
          (test) =>
            `${relative(root, file.name)}: ${test.fullName}: ${firstLine(test.failureMessages?.[0])}`,
        ),
    ),
  ];
  if (failures.length === 0 && exitCode) failures.push('an error outside every test');
  return { passed: numPassedTests, failed: failures.length, failures, skipped };
}

/** @param {string} [text] */
function firstLine(text = '') {
  return text.split('\n', 1)[0];
}

/** @param {Tally} tally */
export function saySkipped({ skipped }) {
  if (skipped.length === 0) return;
  say(`${skipped.length} skipped:`);
  for (const test of skipped) say(`  ${test}`);
}
