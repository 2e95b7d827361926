// What the explorations of a test run came to. Each case leaves a line: see packages/core/test/explore/exploring.ts.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { reportsDir } from './root.mjs';
import { say } from './run.mjs';

const file = join(reportsDir, 'explorations.jsonl');

/** The fewest schedules that a run of all tests explores, and the most seconds that it spends on them. */
const FEWEST = 1_000_000;
const MOST_SECONDS = 180;

/** To be called before the tests. */
export function forgetExplorations() {
  rmSync(file, { force: true });
}

/**
 * Tells how many schedules were explored.
 *
 * @returns {boolean} Whether they are enough
 */
export function sayExplored() {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  /** @type {{ schedules: number, cpuMs: number }[]} */
  const cases = lines.map((line) => JSON.parse(line));
  const schedules = cases.reduce((sum, each) => sum + each.schedules, 0);
  const seconds = cases.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000;
  say(
    `Explored ${schedules.toLocaleString('en')} schedules of ${cases.length} cases in ${seconds.toFixed(0)} s of one core`,
  );
  if (schedules < FEWEST) say(`There should be ${FEWEST.toLocaleString('en')} or more`);
  if (seconds > MOST_SECONDS) say(`There should be ${MOST_SECONDS} s or less`);
  return schedules >= FEWEST;
}
