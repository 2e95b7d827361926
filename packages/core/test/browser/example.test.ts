/** The example of docs/browser.md, run as it stands there: its own server, its page, its workers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { faultOf, noBrowser, useBrowser } from './browser.ts';

const thePage = useBrowser();

test.skipIf(noBrowser)('the example in docs/browser.md does what it says there', async () => {
  const text = await readFile(new URL('../../../../docs/browser.md', import.meta.url), 'utf8');
  const [, promised] = /The page shows `(.+)`/.exec(text) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'millrace-example-'));
  let server: ChildProcess | undefined;
  const page = thePage();
  try {
    const files = filesIn(text);
    expect([...files.keys()]).toEqual(['server.mjs', 'index.html', 'page.js', 'worker.js']);
    for (const [name, content] of files) await writeFile(join(folder, name), content);
    await cp(new URL('../../dist/', import.meta.url), join(folder, PACKAGE, 'dist'), {
      recursive: true,
    });

    server = spawn(process.execPath, ['server.mjs'], {
      cwd: folder,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const fault = faultOf(page);
    await page.goto(await firstLineOf(server));
    await Promise.race([page.waitForSelector('output:not(:empty)'), fault]);
    expect(await page.textContent('output')).toBe(promised);
  } finally {
    server?.kill();
    await rm(folder, { recursive: true, force: true });
  }
});

const PACKAGE = 'node_modules/@millrace/core';

/** The blocks of code that begin with a comment which names a file. */
function filesIn(markdown: string): Map<string, string> {
  const blocks = markdown.matchAll(/^```\w+\n(?:\/\/|<!--) (\S+\.\w+)[^\n]*\n(.*?)^```$/gms);
  return new Map(Array.from(blocks, ([, name = '', content = '']) => [name, content]));
}

async function firstLineOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('The server has no output');
  const lines = createInterface(child.stdout);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`The server ended with code ${String(code)}`);
  });
  exited.catch(() => {});
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string];
  return line;
}
