/** The programs of these pages print what stands behind each line that prints. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const docs = new URL('../../../docs/', import.meta.url);
const millrace = fileURLToPath(new URL('..', import.meta.url));

test.each(['ops.md', 'functions.md', 'tasks.md', 'files.md'])(
  'the program in docs/%s prints what stands behind its lines',
  async (page) => {
    const files = filesIn(await readFile(new URL(page, docs), 'utf8'));
    const folder = await mkdtemp(join(tmpdir(), 'millrace-page-'));
    try {
      for (const [name, code] of files) await writeFile(join(folder, name), code);
      await mkdir(join(folder, 'node_modules'));
      await symlink(millrace, join(folder, 'node_modules', 'millrace'));
      const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'main.mjs')]);
      const promised = [...files.get('main.mjs')!.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)];
      expect(promised.length).toBeGreaterThan(5);
      // What a loop prints stands there in one line.
      const lines = promised.flatMap(([, printed]) =>
        printed!.startsWith('[') ? [printed!] : printed!.split(', '),
      );
      expect(stdout.trimEnd().split('\n')).toEqual(lines);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

/** The pieces of each file, which its first line names, one after the other. */
function filesIn(text: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, name, code] of text.matchAll(/```js\n\/\/ (\S+)\n(.*?)```/gs)) {
    files.set(name!, (files.get(name!) ?? '') + code!);
  }
  return files;
}
