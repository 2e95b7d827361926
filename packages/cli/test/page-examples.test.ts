/** The programs of these pages print what they say there. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const docs = new URL('../../../docs/', import.meta.url);
const millrace = fileURLToPath(new URL('..', import.meta.url));

test.each(['memory.md', 'adaptive.md', 'managed.md'])(
  'the program in docs/%s prints what it says there',
  async (page) => {
    const text = await readFile(new URL(page, docs), 'utf8');
    const folder = await mkdtemp(join(tmpdir(), 'millrace-example-'));
    try {
      for (const [name, code] of filesIn(text)) await writeFile(join(folder, name), code);
      await mkdir(join(folder, 'node_modules'));
      await symlink(millrace, join(folder, 'node_modules', 'millrace'));
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')]);
      const [, promised] = /It prints\n\n```\n(.*?)```/s.exec(text) ?? [];
      expect(stdout).toBe(promised);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

/** The pieces of each file, which its first line names, one after the other. Node 20 has no `using`. */
function filesIn(text: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, name, code] of text.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)) {
    files.set(name!, (files.get(name!) ?? '') + code!.replace(/^using /gm, 'const '));
  }
  return files;
}
