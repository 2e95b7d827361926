/** The program of the page prints what it says there. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const packages = fileURLToPath(new URL('../../', import.meta.url));

test('the program in docs/observe.md prints what it says there', async () => {
  const text = await readFile(join(packages, '../docs/observe.md'), 'utf8');
  const [, code = ''] = /```js\n\/\/ main\.mjs\n(.*?)```/s.exec(text) ?? [];
  const [, promised] = /It prints\n\n```\n(.*?)```/s.exec(text) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'millrace-example-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'main.mjs'), code);
  const scope = join(folder, 'node_modules', '@millrace');
  await mkdir(scope, { recursive: true });
  for (const name of ['core', 'observe']) await symlink(join(packages, name), join(scope, name));
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')]);
  expect(stdout).toBe(promised);
});
