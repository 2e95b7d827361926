// Copies of the repository as it is built, to be spoilt. What was installed is shared by links.

import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { root } from '../root.mjs';

const LEFT_OUT = new Set(['.turbo', 'coverage']);

/** @type {string[]} */
const copies = [];

/** @returns {string} Where it is */
export function copyRepository() {
  const copy = mkdtempSync(join(tmpdir(), 'millrace-mutants-'));
  copies.push(copy);
  for (const file of ['package.json', 'tsconfig.base.json', 'vitest.config.ts']) {
    copyFileSync(join(root, file), join(copy, file));
  }
  for (const folder of ['packages', 'scripts', 'types']) {
    // The packages' links to each other are relative: in the copy they lead to its own.
    cpSync(join(root, folder), join(copy, folder), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !LEFT_OUT.has(basename(path)),
    });
  }
  // A folder of its own, as tools keep caches in it.
  mkdirSync(join(copy, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.') && name !== '.pnpm') continue;
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name), 'junction');
  }
  return copy;
}

export function dropCopies() {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true, force: true });
}
