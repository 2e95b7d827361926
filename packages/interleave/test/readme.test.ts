/** The examples of the README do what it says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as interleave from '@millrace/interleave';
import { errorOf } from './failing.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [counting = '', linearizing = ''] = [...readme.matchAll(/```js\n(.*?)```/gs)].map(
  ([, code]) => code,
);

/** Runs an example, with its import turned into parameters. */
function run(example: string): void {
  const body = example.replace(/^import .*$/m, '');
  // oxlint-disable-next-line typescript/no-implied-eval
  new Function(...Object.keys(interleave), body)(...Object.values(interleave));
}

test('the counter fails with the printed schedule', () => {
  const { message, name } = errorOf(() => run(counting));
  expect(readme).toContain(`${name}: ${message}`);
});

test('the counter that adds has two schedules', () => {
  const add: interleave.ThreadBody = ({ words }) => Atomics.add(words, 0, 1);
  const report = interleave.explore({ name: 'adds', words: 1, threads: [add, add] });
  expect(report).toMatchObject({ schedules: 2, complete: true });
  expect(interleave.summary(report)).toMatch(/^adds: all 2 schedules of up to 2 steps in \d+ ms/);
});

test('the counter is linearizable', () => {
  expect(linearizing).toContain('assertLinearizable');
  expect(() => run(linearizing)).not.toThrow();
});
