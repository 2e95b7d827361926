import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { start } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'showcase-test-'));
const temporary = join(folder, 'tmp');
const env = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
const file = join(folder, 'small');
writeFileSync(file, Buffer.alloc(3_000_000, 'what a mill grinds, '));

beforeEach(() => {
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the showcase prints its table, verifies, and leaves nothing behind', async () => {
  const { code, stdout, stderr } = await start('showcase.js', [file], env).ended;
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const rows = [
    /gzip level 6 +millrace +createGzip/,
    /threads +\d+ +1/,
    /size in +3\.00 MB +3\.00 MB/,
    /size out +\S+ kB +\S+ kB/,
    /time +\S+ m?s +\S+ m?s/,
    /speed +\S+ MB\/s +\S+ MB\/s/,
    /event-loop delay, p99 +\S+ ms +\S+ ms/,
    /the same when idle +\S+ ms/,
    /peak memory +\S+ MB/,
    /slices leased +(\d+)\n +slices returned +\1\n/,
    /gives back every byte/,
  ];
  for (const row of rows) expect(stdout).toMatch(row);
  expect(readdirSync(temporary)).toEqual([]);
});

test.each(['missing', 'tmp'])(
  'the showcase of what is no file ends with 1 and names it: %s',
  async (name) => {
    const path = join(folder, name);
    const { code, stdout, stderr } = await start('showcase.js', [path], env).ended;
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(path);
    expect(readdirSync(temporary)).toEqual([]);
  },
);

test.skipIf(process.platform === 'win32')(
  'a showcase that is interrupted at work removes its files',
  async () => {
    const { child, ended } = start('showcase.js', [], env);
    // Its output has begun to appear; the whole takes seconds.
    while (filesIn(temporary) === 0) await sleep(5);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' });
    expect(readdirSync(temporary)).toEqual([]);
  },
);

function filesIn(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  ).length;
}
