// The checklist in the README, which tells for each field and value of the guide where its code is and what tests it: held
// against the syntax of the files that it names. A name must be a member, or a value, that the code declares, and the tests must
// have it in what they run: comments and titles do not count. Whether a test would fail without the field, the mutants tell.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'rolldown/utils';
import { expect, test } from 'vitest';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8');

const [, checklist = ''] = read('README.md').split('## The checklist');

/** The cells of the tables of types, without their heads: type, names in backticks (and asides), links to code, links to tests. */
const rows = [...checklist.matchAll(/^\| guide .*\n\|[ -|]*\n((?:\|.*\n?)*)/gm)]
  .flatMap(([, lines = '']) => lines.trimEnd().split('\n'))
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, type = '', names = '', code = '', tests = '']) => ({
    type,
    names: [...names.replace(/\(.*?\)/g, '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    code: filesOf(code),
    tests: filesOf(tests),
  }));

function filesOf(cell: string): string[] {
  return [...cell.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
}

type Node = Readonly<Record<string, unknown>>;

function* nodesOf(tree: unknown): Generator<Node> {
  if (typeof tree !== 'object' || tree === null) return;
  if ('type' in tree) yield tree;
  for (const child of Object.values(tree)) yield* nodesOf(child);
}

function namesIn(files: readonly string[], nameOf: (node: Node) => unknown): Set<unknown> {
  const trees = files.map((file) => parseSync(file, read(file)).program);
  return new Set([...nodesOf(trees)].map(nameOf));
}

const MEMBERS = new Set([
  'TSPropertySignature',
  'TSMethodSignature',
  'PropertyDefinition',
  'MethodDefinition',
]);

/** Of a member its name, of a type that is one value that value. */
function declared({ type, key, literal }: Node): unknown {
  if (type === 'TSLiteralType') return (literal as Node)['value'];
  return MEMBERS.has(String(type)) ? (key as Node)['name'] : undefined;
}

/** Of an identifier its name, of a string what it says. */
function used({ type, name, value }: Node): unknown {
  return type === 'Literal' ? value : type === 'Identifier' ? name : undefined;
}

test('every link of the checklist leads somewhere', () => {
  const links = filesOf(checklist);
  const lost = links.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)));
  expect(links.length).toBeGreaterThan(84);
  expect(lost).toEqual([]);
});

test('the checklist has a row for each type of the guide', () => {
  expect(rows).toHaveLength(42);
});

test.each(rows)('$type is in its code and its tests, with every name that it has', (row) => {
  const inCode = namesIn(row.code, declared);
  const inTests = namesIn(row.tests, used);
  expect(row.code).not.toEqual([]);
  expect(row.tests).not.toEqual([]);
  expect(row.names.filter((name) => !inCode.has(name))).toEqual([]);
  expect(row.names.filter((name) => !inTests.has(name))).toEqual([]);
});
