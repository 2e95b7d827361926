/** What millrace does with files, as gzip does. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { isMissing, isOnPath, millrace, run } from './run.js';

const isRoot = process.getuid?.() === 0;

test('FILE becomes FILE.gz, and comes back', async () => {
  const folder = new Folder();
  const data = text(700_000);
  folder.write('big.log', data);
  const packed = await millrace(['gzip', 'big.log'], { cwd: folder.path });
  expect(packed).toMatchObject({ code: 0, stderr: '' });
  expect(packed.stdout).toHaveLength(0);
  expect(folder.list()).toEqual(['big.log.gz']);
  expect(gunzipSync(readFileSync(folder.at('big.log.gz')))).toEqual(data);

  const plain = await millrace(['gzip', '-d', 'big.log.gz'], { cwd: folder.path });
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(folder.list()).toEqual(['big.log']);
  expect(readFileSync(folder.at('big.log'))).toEqual(data);
});

test.each([[['-k']], [['-c']], [['-o', 'elsewhere']]])('%j keeps FILE', async (options) => {
  const folder = new Folder();
  folder.write('a', 'a');
  const { code } = await millrace(['gzip', ...options, 'a'], { cwd: folder.path });
  expect(readFileSync(folder.at('a'), 'utf8')).toBe('a');
  expect(code).toBe(0);
});

test('files of any name are dealt with alike', async () => {
  const folder = new Folder();
  const data = text(1000);
  const names = [
    '-x',
    'two words',
    ' ',
    'Grüße aus Köln.txt',
    '記録.log',
    "it's",
    '*',
    'line\nbreak',
  ];
  for (const name of names) folder.write(name, data);
  const packed = await millrace(['gzip', '--', ...names], { cwd: folder.path });
  expect(packed).toMatchObject({ code: 0, stderr: '' });
  const packedNames = names.map((name) => `${name}.gz`);
  expect(folder.list()).toEqual(packedNames.toSorted());
  const plain = await millrace(['gzip', '-d', '--', ...packedNames], { cwd: folder.path });
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(folder.list()).toEqual(names.toSorted());
  for (const name of names) expect(readFileSync(folder.at(name))).toEqual(data);
});

test('the header notes the original name and time', async () => {
  const folder = new Folder();
  mkdirSync(folder.at('dir'));
  folder.write('dir/big.log', text(100));
  utimesSync(folder.at('dir/big.log'), 1_000_000_000, 1_234_567_890);
  await millrace(['gzip', folder.at('dir/big.log')]);
  const packed = readFileSync(folder.at('dir/big.log.gz'));
  expect(packed.readUInt32LE(4)).toBe(1_234_567_890);
  expect(packed.subarray(10, 18).toString()).toBe('big.log\0');
});

test('a time that the header has no room for is not noted', async () => {
  const folder = new Folder();
  folder.write('old', 'old');
  utimesSync(folder.at('old'), 0, new Date(-1_000_000));
  expect(await millrace(['gzip', 'old'], { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(readFileSync(folder.at('old.gz')).readUInt32LE(4)).toBe(0);
  expect(statSync(folder.at('old.gz')).mtimeMs).toBe(-1_000_000);
});

test.skipIf(isMissing('gzip'))('gzip -N restores the name that millrace noted', async () => {
  const folder = new Folder();
  folder.write('original', 'data');
  await millrace(['gzip', '-o', 'other.gz', 'original'], { cwd: folder.path });
  await run('gzip', ['-dfN', 'other.gz'], { cwd: folder.path });
  expect(folder.list()).toEqual(['original']);
});

describe('mode and time are kept', () => {
  test.each([0o600, 0o444, 0o755])('in both directions, mode %o', async (mode) => {
    const folder = new Folder();
    folder.write('a', text(1000));
    chmodSync(folder.at('a'), mode);
    utimesSync(folder.at('a'), 1_111_111_111.25, 1_234_567_890.5);

    await millrace(['gzip', 'a'], { cwd: folder.path });
    const packed = statSync(folder.at('a.gz'));
    expect([packed.mode & 0o7777, packed.mtimeMs, packed.atimeMs]).toEqual([
      mode,
      1_234_567_890_500,
      1_111_111_111_250,
    ]);

    await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path });
    const plain = statSync(folder.at('a'));
    expect([plain.mode & 0o7777, plain.mtimeMs]).toEqual([mode, 1_234_567_890_500]);
  });

  test.runIf(isRoot)('and the owner, for root', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    chownSync(folder.at('a'), 1234, 4321);
    chmodSync(folder.at('a'), 0o640);
    await millrace(['gzip', 'a'], { cwd: folder.path });
    expect(statSync(folder.at('a.gz'))).toMatchObject({ uid: 1234, gid: 4321, mode: 0o100640 });
  });
});

describe('a target that exists', () => {
  test.each([
    ['a', 'a.gz', []],
    ['b.gz', 'b', ['-d']],
    ['c', 'out', ['-o', 'out']],
  ])('is not overwritten: %s → %s', async (source, target, options) => {
    const folder = new Folder();
    folder.write(source, gzipSync('new'));
    folder.write(target, 'old');
    const { code, stderr } = await millrace(['gzip', ...options, source], { cwd: folder.path });
    expect(stderr).toBe(
      `millrace: ${source}: ${target} already exists -- not overwritten; use -f to overwrite\n`,
    );
    expect(code).toBe(2);
    expect(readFileSync(folder.at(target), 'utf8')).toBe('old');
    expect(folder.list()).toEqual([source, target].sort());
  });

  test('is overwritten with -f', async () => {
    const folder = new Folder();
    folder.write('a', 'new');
    folder.write('a.gz', 'old');
    expect(await millrace(['gzip', '-f', 'a'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(String(gunzipSync(readFileSync(folder.at('a.gz'))))).toBe('new');
  });

  test('is a symbolic link: -f replaces it, and what it leads to stays as it is', async () => {
    const folder = new Folder();
    folder.write('a', 'new');
    folder.write('precious', 'old');
    symlinkSync('precious', folder.at('a.gz'));
    const { code, stderr } = await millrace(['gzip', 'a'], { cwd: folder.path });
    expect(stderr).toContain('a.gz already exists');
    expect(code).toBe(2);
    expect(await millrace(['gzip', '-f', 'a'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(lstatSync(folder.at('a.gz')).isFile()).toBe(true);
    expect(readFileSync(folder.at('precious'), 'utf8')).toBe('old');
  });

  test('is a directory: an error, even with -f', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    mkdirSync(folder.at('a.gz'));
    const { code, stderr } = await millrace(['gzip', '-f', 'a'], { cwd: folder.path });
    expect(stderr).toBe('millrace: a: cannot write a.gz: is a directory\n');
    expect(code).toBe(1);
  });

  test('is the input itself: an error, even with -f', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    const { code, stderr } = await millrace(['gzip', '-f', '-o', './a', 'a'], { cwd: folder.path });
    expect(stderr).toBe('millrace: a: cannot write ./a: it is the input itself\n');
    expect(code).toBe(1);
    expect(readFileSync(folder.at('a'), 'utf8')).toBe('a');
  });
});

describe('what gzip leaves alone is left alone', () => {
  async function expectIgnored(folder: Folder, name: string, message: string): Promise<void> {
    const before = folder.list();
    const { code, stderr } = await millrace(['gzip', name], { cwd: folder.path });
    expect(stderr).toBe(`millrace: ${name}: ${message}\n`);
    expect(code).toBe(2);
    expect(folder.list()).toEqual(before);
    const quiet = await millrace(['gzip', '-q', name], { cwd: folder.path });
    expect(quiet).toMatchObject({ code: 2, stderr: '' });
  }

  test('a directory', async () => {
    const folder = new Folder();
    mkdirSync(folder.at('d'));
    await expectIgnored(folder, 'd', 'is a directory -- ignored');
    const forced = await millrace(['gzip', '-cf', 'd'], { cwd: folder.path });
    expect(forced).toMatchObject({ code: 2, stderr: 'millrace: d: is a directory -- ignored\n' });
  });

  test('files that are compressed already', async () => {
    const folder = new Folder();
    const names = ['a.gz', 'b.tgz', 'c-z', 'd.GZ', 'e.Z'];
    for (const name of names) folder.write(name, 'a');
    const { code, stderr } = await millrace(['gzip', ...names], { cwd: folder.path });
    const messages = names.map(
      (name) => `millrace: ${name}: already has the suffix ${name.slice(1)} -- unchanged\n`,
    );
    expect(stderr).toBe(messages.join(''));
    expect(code).toBe(2);
    expect(folder.list()).toEqual(names);
  });

  test('with -f or -c, what is compressed already is compressed again', async () => {
    const folder = new Folder();
    folder.write('a.gz', 'a');
    const { stdout } = await millrace(['gzip', '-c', 'a.gz'], { cwd: folder.path });
    expect(String(gunzipSync(stdout))).toBe('a');
    await millrace(['gzip', '-f', 'a.gz'], { cwd: folder.path });
    expect(folder.list()).toEqual(['a.gz.gz']);
  });

  test('a file with other links', async () => {
    const folder = new Folder();
    linkSync(folder.write('a', 'a'), folder.at('b'));
    await expectIgnored(folder, 'a', 'has 1 other link -- ignored');
    linkSync(folder.at('a'), folder.at('c'));
    await expectIgnored(folder, 'a', 'has 2 other links -- ignored');
    expect(await millrace(['gzip', '-f', 'a'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(folder.list()).toEqual(['a.gz', 'b', 'c']);
  });

  test.each([
    [0o4755, 'is set-user-ID on execution -- ignored'],
    [0o2755, 'is set-group-ID on execution -- ignored'],
    [0o1755, 'has the sticky bit set -- ignored'],
  ])('a file of mode %o', async (mode, message) => {
    const folder = new Folder();
    chmodSync(folder.write('a', 'a'), mode);
    await expectIgnored(folder, 'a', message);
  });

  test.skipIf(!isOnPath('mkfifo'))('a FIFO', async () => {
    const folder = new Folder();
    await run('mkfifo', [folder.at('pipe')]);
    await expectIgnored(folder, 'pipe', 'is not a directory or a regular file -- ignored');
  });

  test('a symbolic link, which is an error to gzip', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    symlinkSync('a', folder.at('link'));
    const { code, stderr } = await millrace(['gzip', 'link'], { cwd: folder.path });
    expect(stderr).toBe('millrace: link: is a symbolic link; use -f to follow it\n');
    expect(code).toBe(1);
    expect(folder.list()).toEqual(['a', 'link']);
  });
});

test('a symbolic link is followed with -f, and goes; what it leads to stays', async () => {
  const folder = new Folder();
  folder.write('a', 'a');
  symlinkSync('a', folder.at('link'));
  expect(await millrace(['gzip', '-f', 'link'], { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(folder.list()).toEqual(['a', 'link.gz']);
  expect(lstatSync(folder.at('link.gz')).isFile()).toBe(true);
});

test('a symbolic link is followed with -c', async () => {
  const folder = new Folder();
  folder.write('a', 'a');
  symlinkSync('a', folder.at('link'));
  const { stdout } = await millrace(['gzip', '-c', 'link'], { cwd: folder.path });
  expect(String(gunzipSync(stdout))).toBe('a');
  expect(folder.list()).toEqual(['a', 'link']);
});

test('-o through a symbolic link replaces the file, not the link', async () => {
  const folder = new Folder();
  folder.write('a', 'new');
  folder.write('file', 'old');
  symlinkSync('file', folder.at('link'));
  await millrace(['gzip', '-f', '-o', 'link', 'a'], { cwd: folder.path });
  expect(lstatSync(folder.at('link')).isSymbolicLink()).toBe(true);
  expect(String(gunzipSync(readFileSync(folder.at('file'))))).toBe('new');
});

test.skipIf(!existsSync('/dev/null'))(
  '-o to a device writes to it and leaves it there',
  async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    const ended = await millrace(['gzip', '-o', '/dev/null', 'a'], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  },
);

test('each of several files has its own outcome, and the worst decides the exit code', async () => {
  const folder = new Folder();
  for (const name of ['a', 'b.gz', 'c']) folder.write(name, name);
  mkdirSync(folder.at('d'));
  const mixed = await millrace(['gzip', 'a', 'b.gz', 'nothing', 'd', 'c'], { cwd: folder.path });
  expect(mixed.stderr.split('\n')).toEqual([
    'millrace: b.gz: already has the suffix .gz -- unchanged',
    'millrace: nothing: no such file or directory',
    'millrace: d: is a directory -- ignored',
    '',
  ]);
  expect(mixed.code).toBe(1);
  expect(folder.list()).toEqual(['a.gz', 'b.gz', 'c.gz', 'd']);

  folder.write('e', 'e');
  const warned = await millrace(['gzip', 'd', 'e'], { cwd: folder.path });
  expect(warned.code).toBe(2);
  expect(folder.list()).toContain('e.gz');
});

test('several files on standard output follow each other', async () => {
  const folder = new Folder();
  folder.write('a', 'one ');
  folder.write('b', 'two ');
  const { stdout } = await millrace(['gzip', '-c', 'a', '-', 'b'], {
    cwd: folder.path,
    input: 'between ',
  });
  expect(String(gunzipSync(stdout))).toBe('one between two ');
});

test('a small file starts one thread, a larger one as many as it can use', async () => {
  const folder = new Folder();
  folder.write('small', text(10_000));
  folder.write('large', text(2_000_000));
  const { stdout } = await millrace(['gzip', '-p3', '--json', 'small', 'large'], {
    cwd: folder.path,
  });
  const reports = String(stdout).trim().split('\n');
  expect(reports.map((line) => (JSON.parse(line) as { threads: number }).threads)).toEqual([1, 3]);
});
