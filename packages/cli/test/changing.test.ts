/** A file that somebody writes to while it is compressed. */
import {
  appendFileSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder } from './folder.js';
import { startMillrace, until, type Ended } from './run.js';

const size = 300_000_000;
const warning =
  'millrace: live: changed while it was read; the change may not be in the output; the file is kept\n';

/** Compresses `live` and, once that is under way, lets `change` happen, with the command held still meanwhile. */
async function compressMeanwhile(
  folder: Folder,
  change: () => void,
  ...options: string[]
): Promise<Ended> {
  const running = startMillrace(['gzip', '-1', ...options, 'live'], { cwd: folder.path });
  await until(() => folder.hasTemporary);
  running.child.kill('SIGSTOP');
  change();
  running.child.kill('SIGCONT');
  return running.ended;
}

describe('a source that changes is kept, the output too, and a warning says so', () => {
  async function expectKept(change: (live: string, folder: Folder) => void): Promise<void> {
    const folder = new Folder();
    const live = folder.writeHuge('live', size);
    const { code, stderr } = await compressMeanwhile(folder, () => change(live, folder));
    expect(stderr).toBe(warning);
    expect(code).toBe(2);
    expect(folder.list().filter((name) => name.startsWith('live'))).toEqual(['live', 'live.gz']);
    const plain = gunzipSync(readFileSync(folder.at('live.gz')));
    expect(plain.length).toBeGreaterThanOrEqual(size);
  }

  test('it grows', () => expectKept((live) => appendFileSync(live, 'one more line\n')));

  test('its time changes', () => expectKept((live) => utimesSync(live, 1, 1)));

  test('another file takes its place', () =>
    expectKept((live, folder) => {
      renameSync(live, folder.at('rotated'));
      writeFileSync(live, 'the next log');
    }));
});

test('a source that shrinks is an error: it is kept, and no output is', async () => {
  const folder = new Folder();
  const live = folder.writeHuge('live', size);
  const { code, stderr } = await compressMeanwhile(folder, () => truncateSync(live, 1000));
  expect(stderr).toBe('millrace: live: shrank while it was read; live.gz is not written\n');
  expect(code).toBe(1);
  expect(folder.list()).toEqual(['live']);
});

test('standard output that got half of a file gets nothing after it', async () => {
  const folder = new Folder();
  const live = folder.writeHuge('live', size);
  folder.write('next', 'next');
  const running = startMillrace(['gzip', '-1c', 'live', 'next'], { cwd: folder.path });
  await until(() => running.stdout().length > 0);
  running.child.kill('SIGSTOP');
  truncateSync(live, 1000);
  running.child.kill('SIGCONT');
  const { code, stdout, stderr } = await running.ended;
  expect(stderr).toBe('millrace: live: shrank while it was read\n');
  expect(code).toBe(1);
  expect(stdout.includes('next')).toBe(false);
});

test('a source that is gone at the end is no longer there to be kept', async () => {
  const folder = new Folder();
  const live = folder.writeHuge('live', size);
  const { code } = await compressMeanwhile(folder, () => renameSync(live, folder.at('elsewhere')));
  expect(code).toBe(2);
  expect(folder.list()).toEqual(['elsewhere', 'live.gz']);
});

test('what appears under the name of the target meanwhile is not overwritten', async () => {
  const folder = new Folder();
  folder.writeHuge('live', size);
  const { code, stderr } = await compressMeanwhile(folder, () => folder.write('live.gz', 'old'));
  expect(stderr).toBe(
    'millrace: live: live.gz already exists -- not overwritten; use -f to overwrite\n',
  );
  expect(code).toBe(2);
  expect(readFileSync(folder.at('live.gz'), 'utf8')).toBe('old');
  expect(folder.list()).toEqual(['live', 'live.gz']);
});

test('decompressing, a changed source is kept as well', async () => {
  const folder = new Folder();
  folder.write('live.gz', gzipSync(Buffer.alloc(size), { level: 1 }));
  const running = startMillrace(['gzip', '-d', 'live.gz'], { cwd: folder.path });
  await until(() => folder.hasTemporary);
  utimesSync(folder.at('live.gz'), 1, 1);
  expect(await running.ended).toMatchObject({ code: 2 });
  expect(folder.list()).toEqual(['live', 'live.gz']);
});
