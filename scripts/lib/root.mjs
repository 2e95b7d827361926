// Where the repository is, and names for the places in it that more than one script uses.

import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { readdirSync, existsSync, readFileSync } from 'node:fs';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The test runner's JSON reports, one file for each run of the suite. */
export const reportsDir = join(root, '.reports');

/** The folders that hold a package: those under packages/, and the examples. */
export function packageDirs() {
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  return [...packages, join(root, 'examples')]
    .filter((dir) => existsSync(join(dir, 'package.json')))
    .sort();
}

/**
 * @param {string} file
 * @returns {any}
 */
export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
