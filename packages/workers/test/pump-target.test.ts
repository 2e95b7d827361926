import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createMill, type FileTarget } from '@millrace/workers';
import { afterAll, afterEach, expect, test } from 'vitest';
import { MiB, text } from './content.ts';
import { codeOf, systemCodeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { copy } from './ops.mjs';
import { device, fileOf, folder, namedPipe, namesIn, newPath } from './temporary.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => expect(mill.stats().slices.live).toBe(0));

const input = text(MiB);
const pump = (to: FileTarget | string, from: Uint8Array = input) =>
  mill.pump({ from, op: copy, to });

test('a file appears only when it is whole, and nothing is left beside it', async () => {
  const to = newPath();
  const gate = new Gate();
  const pumping = mill.pump({ from: input, op: copy, params: { gate: gate.words }, to });
  await gate.reached(1);
  expect(existsSync(to)).toBe(false);
  expect(namesIn(dirname(to))).toHaveLength(1);
  gate.open();
  await pumping;
  expect(namesIn(dirname(to))).toEqual(['output']);
  expect(readFileSync(to).equals(input)).toBe(true);
});

test('a file that exists is replaced in one step', async () => {
  const to = fileOf('old');
  const gate = new Gate();
  const pumping = mill.pump({ from: input, op: copy, params: { gate: gate.words }, to });
  await gate.reached(1);
  expect(readFileSync(to, 'utf8')).toBe('old');
  gate.open();
  await pumping;
  expect(readFileSync(to).equals(input)).toBe(true);
  expect(namesIn(dirname(to))).toEqual(['input']);
});

test('a file can be pumped onto itself', async () => {
  const path = fileOf(input);
  await mill.pump({ from: path, op: copy, to: path });
  expect(readFileSync(path).equals(input)).toBe(true);
});

test('overwrite: false leaves a file that exists untouched, and reads nothing', async () => {
  const path = fileOf('old');
  const { submitted } = mill.stats().tasks;
  expect(await codeOf(pump({ path, overwrite: false }))).toBe('ERR_TARGET_EXISTS');
  expect(mill.stats().tasks.submitted).toBe(submitted);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(namesIn(dirname(path))).toEqual(['input']);
});

test('overwrite: false leaves a file untouched that somebody makes meanwhile', async () => {
  const path = newPath();
  const gate = new Gate();
  const pumping = codeOf(
    mill.pump({
      from: input,
      op: copy,
      params: { gate: gate.words },
      to: { path, overwrite: false },
    }),
  );
  await gate.reached(1);
  writeFileSync(path, 'faster');
  gate.open();
  expect(await pumping).toBe('ERR_TARGET_EXISTS');
  expect(readFileSync(path, 'utf8')).toBe('faster');
  expect(namesIn(dirname(path))).toEqual(['output']);
});

test('overwrite: false makes a file where there is none', async () => {
  const path = newPath();
  await pump({ path, overwrite: false });
  expect(readFileSync(path).equals(input)).toBe(true);
  expect(lstatSync(path).nlink).toBe(1);
  expect(namesIn(dirname(path))).toEqual(['output']);
});

test.each([0o600, 0o640, 0o777, 0o400, 0o000])('the file gets the mode %o', async (mode) => {
  const path = newPath();
  await pump({ path, mode });
  expect(statSync(path).mode & 0o7777).toBe(mode);
});

test('without a mode the file gets what the umask leaves', async () => {
  const umask = process.umask(0o027);
  try {
    const path = newPath();
    await pump(path);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  } finally {
    process.umask(umask);
  }
});

test('a file with a private mode is private from the start', async () => {
  const path = newPath();
  const gate = new Gate();
  const pumping = mill.pump({
    from: input,
    op: copy,
    params: { gate: gate.words },
    to: { path, mode: 0o600 },
  });
  await gate.reached(1);
  const [temporary] = namesIn(dirname(path));
  expect(statSync(join(dirname(path), temporary!)).mode & 0o777).toBe(0o600);
  gate.open();
  await pumping;
});

test('the file gets its times, as dates or in seconds', async () => {
  const path = newPath();
  await pump({ path, times: { atime: new Date('2001-02-03T04:05:06.789Z'), mtime: new Date(0) } });
  expect(statSync(path)).toMatchObject({ atimeMs: Date.UTC(2001, 1, 3, 4, 5, 6, 789), mtimeMs: 0 });
  await pump({ path, times: { atime: 1, mtime: 1_000_000_000 }, mode: 0o644 });
  expect(statSync(path).mtimeMs).toBe(1_000_000_000_000);
});

test.skipIf(process.getuid?.() !== 0)('the file gets its owner and keeps its mode', async () => {
  const path = newPath();
  await pump({
    path,
    owner: { uid: 12_345, gid: 54_321 },
    mode: 0o4755,
    times: { atime: 5, mtime: 6 },
  });
  expect(statSync(path)).toMatchObject({ uid: 12_345, gid: 54_321, mtimeMs: 6000 });
  expect(statSync(path).mode & 0o7777).toBe(0o4755);
});

test('a symbolic link stays, and the file behind it is replaced', async () => {
  const path = fileOf('old');
  const link = newPath('link');
  symlinkSync(path, link);
  await pump(link);
  expect(readlinkSync(link)).toBe(path);
  expect(readFileSync(path).equals(input)).toBe(true);
  expect(namesIn(dirname(path))).toEqual(['input']);
});

test('another name of the file keeps the old content', async () => {
  const path = fileOf('old');
  const other = join(dirname(path), 'other');
  linkSync(path, other);
  await pump(path);
  expect(readFileSync(other, 'utf8')).toBe('old');
});

test('names may be as long as the system allows, and of any letters', async () => {
  for (const name of ['n'.repeat(255), 'ö'.repeat(127), '𝄞'.repeat(63), '.hidden', 'a b\nc']) {
    const path = newPath(name);
    await pump(path, Buffer.from('x'));
    expect(namesIn(dirname(path))).toEqual([name]);
  }
});

test('a device is written to as it is', async () => {
  const path = device('null');
  const link = newPath();
  symlinkSync(path, link);
  for (const to of [path, { path, overwrite: false }, link]) {
    const report = await pump(to);
    expect(report.bytesOut).toBe(input.length);
    expect(lstatSync(path).isCharacterDevice()).toBe(true);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
  }
});

test('a named pipe is written to as it is', async () => {
  const path = namedPipe();
  const out = newPath();
  const end = once(spawn('sh', ['-c', 'cat "$0" > "$1"', path, out]), 'close');
  await pump(path);
  await end;
  expect(readFileSync(out).equals(input)).toBe(true);
  expect(lstatSync(path).isFIFO()).toBe(true);
});

test('a folder is no target, and nothing is left in it or beside it', async () => {
  const path = join(folder(), 'folder');
  mkdirSync(path);
  expect(await systemCodeOf(pump(path))).toBe('EISDIR');
  expect(namesIn(path)).toEqual([]);
  expect(namesIn(dirname(path))).toEqual(['folder']);
});

test('a target in a folder that is missing is named as the user named it', async () => {
  const path = join(folder(), 'absent', 'output');
  await expect(pump(path)).rejects.toMatchObject({
    code: 'ERR_WRITE',
    message: expect.stringContaining(`'${path}'`) as string,
    cause: expect.objectContaining({ code: 'ENOENT' }) as Error,
  });
});

test('a file that may only be read is replaced all the same, as rename does', async () => {
  const path = fileOf('old');
  chmodSync(path, 0o444);
  await pump(path);
  expect(readFileSync(path).equals(input)).toBe(true);
});
