// A trial: the tests that should catch a fault, run on a copy that has it, and ended when they take too long.

import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../root.mjs';
import { capture, tool } from '../run.mjs';
import { applyMutant } from './mutants.mjs';

/** A fault that makes its tests run for ever is not caught: no schedule was told. */
const MOST_MS = 180_000;

/**
 * @typedef {object} Outcome
 * @property {'passed' | 'failed' | 'timed out' | 'did not run'} end
 * @property {string} by - The first test that failed, and how
 * @property {number} ms
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

/**
 * @param {string} copy - Of the repository
 * @param {import('./mutants.mjs').Mutant} mutant
 * @returns {Promise<Outcome>}
 */
export async function tryMutant(copy, mutant) {
  const undo = applyMutant(copy, mutant);
  try {
    await joinAgain(copy, mutant.package);
    const named = mutant.named === undefined ? [] : [`--testNamePattern=${mutant.named}`];
    return await runTestsOf(copy, mutant.caughtBy, MOST_MS, [
      '--bail=1',
      '--maxWorkers=1',
      ...named,
    ]);
  } finally {
    undo();
    await joinAgain(copy, mutant.package);
  }
}

/**
 * The threads of a mill run what the build has joined: a fault must get there too.
 *
 * @param {string} copy
 * @param {string} name - Of the package's folder
 */
async function joinAgain(copy, name) {
  const folder = join(copy, 'packages', name);
  if (!existsSync(join(folder, 'dist', 'joined'))) return;
  const script = join(copy, 'scripts', 'bundle.mjs');
  const { ok, output } = await capture(process.execPath, [script], { cwd: folder });
  if (!ok) throw new Error(`Cannot join ${folder}: ${output}`);
}

/**
 * @param {string} copy
 * @param {string[]} tests - Parts of the paths of test files
 * @param {number} mostMs
 * @param {string[]} [options] - Of vitest
 * @returns {Promise<Outcome>}
 */
export async function runTestsOf(copy, tests, mostMs, options = []) {
  const report = join(copy, 'mutant.json');
  rmSync(report, { force: true });
  const args = [...tool('vitest'), 'run', ...tests, ...options];
  args.push('--reporter=json', `--outputFile=${report}`);
  const started = performance.now();
  const inTime = await runFor(args, copy, mostMs);
  const ms = performance.now() - started;
  if (!inTime) return { end: 'timed out', by: '', ms };
  if (!existsSync(report)) return { end: 'did not run', by: '', ms };
  const { success, numTotalTests, testResults } = readJson(report);
  /** @type {{ name: string, assertionResults: { status: string, fullName: string, failureMessages?: string[] }[] }[]} */
  const files = testResults;
  const failed = files
    .flatMap((file) => file.assertionResults)
    .find((test) => test.status === 'failed');
  if (failed) {
    return { end: 'failed', by: `${failed.fullName.trim()}: ${complaintOf(failed)}`, ms };
  }
  return { end: success && numTotalTests > 0 ? 'passed' : 'did not run', by: '', ms };
}

/**
 * What an exploration has found, or the first line of another failure.
 *
 * @param {{ failureMessages?: string[] }} test
 */
function complaintOf({ failureMessages = [] }) {
  const [line = ''] = (failureMessages[0] ?? '').split('\n');
  return line.replace(/^InterleavingError: [^:]*: /, '').slice(0, 100);
}

/** Ends all trials at once. */
export function stopTests() {
  for (const child of running) kill(child);
}

/**
 * @param {string[]} args
 * @param {string} cwd
 * @param {number} mostMs
 * @returns {Promise<boolean>} Whether it ended in time
 */
function runFor(args, cwd, mostMs) {
  return new Promise((done) => {
    // In a group of its own, so that it ends together with all that it has started.
    const child = spawn(process.execPath, args, {
      cwd,
      stdio: 'ignore',
      detached: process.platform !== 'win32',
    });
    running.add(child);
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      kill(child);
    }, mostMs);
    const end = () => {
      clearTimeout(timer);
      running.delete(child);
      done(inTime);
    };
    child.on('error', end);
    child.on('close', end);
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function kill(child) {
  if (child.pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
