// The checklist in the README, which tells for each field and value of the guide where its code is and what tests it: held
// against the files that it names.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

const [, checklist = ''] = read('README.md').split('## The checklist');

/** Rows of four cells: type, names in backticks (and asides), links to code, links to tests. A dash is what is not there yet. */
const rows = checklist
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, type, , code]) => type !== undefined && code?.startsWith('['))
  .map(([, type = '', names = '', code = '', tests = '']) => ({
    type,
    names: [...names.replace(/\(.*?\)/g, '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    code: filesOf(code),
    tests: filesOf(tests),
  }));

function filesOf(cell: string): string[] {
  return [...cell.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
}

function isIn(name: string, files: readonly string[]): boolean {
  const word = new RegExp(`(?<![\\w-])${name}(?![\\w-])`);
  return files.some((file) => word.test(read(file)));
}

test('the checklist has rows', () => {
  expect(rows.length).toBeGreaterThanOrEqual(8);
});

test.each(rows)('$type is in its code and its tests, with every name that it has', (row) => {
  expect(row.tests).not.toEqual([]);
  for (const name of row.names) {
    expect({ name, code: isIn(name, row.code) }).toEqual({ name, code: true });
    expect({ name, tests: isIn(name, row.tests) }).toEqual({ name, tests: true });
  }
});
