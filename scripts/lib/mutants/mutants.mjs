// The faults that are put into the built code, and how one is put there.

import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageDirs } from '../root.mjs';

/**
 * @typedef {object} Mutant
 * @property {string} package - The package's folder: `core`
 * @property {string} file - The file within its dist: `sync/mutex.js`
 * @property {string} fault - What is wrong with it, in a sentence
 * @property {[find: string, replace: string][]} edits - How it comes about: each must be found exactly once. White space
 *   is any white space
 * @property {string[]} caughtBy - Parts of the paths of the test files that should catch it
 * @property {string} [named] - What those tests have in their names, where the others of their files take long
 */

/** The faults of all packages. */
export async function loadMutants() {
  /** @type {Mutant[]} */
  const mutants = [];
  for (const dir of packageDirs()) {
    const folder = join(dir, 'test', 'mutants');
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder).sort()) {
      const module = await import(pathToFileURL(join(folder, name)).href);
      for (const mutant of module.mutants) mutants.push({ package: basename(dir), ...mutant });
    }
  }
  return mutants;
}

/**
 * Puts a fault into a copy of the repository.
 *
 * @param {string} copy
 * @param {Mutant} mutant
 * @returns {() => void} Takes it out again
 */
export function applyMutant(copy, mutant) {
  const path = join(copy, 'packages', mutant.package, 'dist', mutant.file);
  const built = readFileSync(path, 'utf8');
  let text = built;
  for (const [find, replace] of mutant.edits) {
    const places = [...text.matchAll(patternOf(find))];
    const [place] = places;
    if (!place || places.length > 1) {
      throw new Error(
        `Cannot put "${mutant.fault}" into ${mutant.file} as it holds this ${places.length} times: ${find}`,
      );
    }
    text = text.slice(0, place.index) + replace + text.slice(place.index + place[0].length);
  }
  writeFileSync(path, text);
  return () => writeFileSync(path, built);
}

/** @param {string} find */
function patternOf(find) {
  const parts = find.trim().split(/\s+/);
  return new RegExp(
    parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('\\s+'),
    'g',
  );
}
