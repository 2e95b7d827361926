/** What the system refuses: missing files, permissions, full disks, readers that leave. */
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Folder, text } from './folder.js';
import { bin, isOnPath, millrace, run, start, startMillrace, type Ended } from './run.js';

const isRoot = process.getuid?.() === 0;

test('a missing file is an error', async () => {
  const folder = new Folder();
  const { code, stderr } = await millrace(['gzip', 'nothing'], { cwd: folder.path });
  expect(stderr).toBe('millrace: nothing: no such file or directory\n');
  expect(code).toBe(1);
  const quiet = await millrace(['gzip', '-q', 'nothing'], { cwd: folder.path });
  expect(quiet).toMatchObject({ code: 1, stderr });
});

test('a part of the path is no directory', async () => {
  const folder = new Folder();
  folder.write('a', 'a');
  const { code, stderr } = await millrace(['gzip', 'a/b'], { cwd: folder.path });
  expect(stderr).toBe('millrace: a/b: not a directory\n');
  expect(code).toBe(1);
});

test('the directory of the target is missing', async () => {
  const folder = new Folder();
  folder.write('a', 'a');
  const { code, stderr } = await millrace(['gzip', '-o', 'no/a.gz', 'a'], { cwd: folder.path });
  expect(stderr).toBe('millrace: a: cannot write no/a.gz: no such file or directory\n');
  expect(code).toBe(1);
});

test('a name that is too long with its suffix', async () => {
  const folder = new Folder();
  const name = 'n'.repeat(253);
  folder.write(name, 'a');
  const { code, stderr } = await millrace(['gzip', name], { cwd: folder.path });
  expect(stderr).toBe(`millrace: ${name}: cannot write ${name}.gz: name too long\n`);
  expect(code).toBe(1);
  expect(folder.list()).toEqual([name]);
});

// Root may do anything, unless it gives up its capabilities.
describe.skipIf(isRoot && !isOnPath('setpriv'))('without permission', () => {
  function unprivileged(args: string[], cwd: string): Promise<Ended> {
    const command = [process.execPath, bin, ...args];
    if (isRoot) command.unshift('setpriv', '--inh-caps=-all', '--bounding-set=-all');
    const [program = '', ...rest] = command;
    return start(program, rest, { cwd, input: '' }).ended;
  }

  test('a file cannot be read', async () => {
    const folder = new Folder();
    chmodSync(folder.write('a', 'a'), 0o000);
    const { code, stderr } = await unprivileged(['gzip', 'a'], folder.path);
    expect(stderr).toBe('millrace: a: permission denied\n');
    expect(code).toBe(1);
    expect(folder.list()).toEqual(['a']);
  });

  test('a target cannot be made', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    chmodSync(folder.path, 0o555);
    const { code, stderr } = await unprivileged(['gzip', 'a'], folder.path);
    expect(stderr).toBe('millrace: a: cannot write a.gz: permission denied\n');
    expect(code).toBe(1);
    expect(folder.list()).toEqual(['a']);
  });

  test('nothing happens to a target that cannot be replaced', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    folder.write('a.gz', 'old');
    chmodSync(folder.path, 0o555);
    expect(await unprivileged(['gzip', '-f', 'a'], folder.path)).toMatchObject({ code: 1 });
    expect(folder.list()).toEqual(['a', 'a.gz']);
    expect(readFileSync(folder.at('a.gz'), 'utf8')).toBe('old');
  });

  test.runIf(isRoot)("a source in another's sticky directory cannot be removed", async () => {
    const folder = new Folder();
    mkdirSync(folder.at('tmp'));
    chownSync(folder.write('tmp/a', 'a'), 1234, 1234);
    chownSync(folder.at('tmp'), 1234, 1234);
    chmodSync(folder.at('tmp'), 0o1777);
    const { code, stderr } = await unprivileged(['gzip', 'tmp/a'], folder.path);
    expect(stderr).toBe('millrace: tmp/a: cannot remove it: operation not permitted\n');
    expect(code).toBe(2);
    expect(readdirSync(folder.at('tmp')).sort()).toEqual(['a', 'a.gz']);
  });
});

describe.skipIf(!existsSync('/dev/full'))('a full device', () => {
  test('behind -o', async () => {
    const folder = new Folder();
    folder.write('a', text(1000));
    const { code, stderr } = await millrace(['gzip', '-o', '/dev/full', 'a'], { cwd: folder.path });
    expect(stderr).toBe('millrace: a: cannot write /dev/full: no space left on device\n');
    expect(code).toBe(1);
  });

  test.each([
    ['compressing', ['gzip', '-c'], Buffer.from('a')],
    ['decompressing', ['gzip', '-d'], gzipSync('a')],
  ])('behind standard output, %s', async (_, args, input) => {
    const ended = await start(
      'sh',
      ['-c', '"$@" > /dev/full', 'sh', process.execPath, bin, ...args],
      {
        input,
      },
    ).ended;
    expect(ended.stderr).toBe(
      'millrace: standard input: cannot write standard output: no space left on device\n',
    );
    expect(ended.code).toBe(1);
  });

  test('the report cannot be written', async () => {
    const folder = new Folder();
    folder.write('a', 'a');
    folder.write('b', 'b');
    const args = [process.execPath, bin, 'gzip', '--json', 'a', 'b'];
    const ended = await start('sh', ['-c', '"$@" > /dev/full', 'sh', ...args], { cwd: folder.path })
      .ended;
    expect(ended.stderr).toBe('millrace: cannot write the report: no space left on device\n');
    expect(ended.code).toBe(1);
  });
});

test('a full disk: the message names the target, and no part of it is left', async ({ skip }) => {
  const folder = new Folder();
  mkdirSync(folder.at('disk'));
  const disk = folder.at('disk');
  const mount = start('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', disk]);
  if ((await mount.ended.catch(() => undefined))?.code !== 0) {
    skip('only root may mount a small file system');
  }
  onTestFinished(async () => void (await run('umount', [disk])));

  const { code, stderr } = await millrace(['gzip', '-o', 'disk/a.gz'], {
    cwd: folder.path,
    input: text(4_000_000),
  });
  expect(stderr).toBe(
    'millrace: standard input: cannot write disk/a.gz: no space left on device\n',
  );
  expect(code).toBe(1);

  folder.write('disk/b.gz', gzipSync(Buffer.alloc(1_000_000)));
  const plain = await millrace(['gzip', '-d', 'disk/b.gz'], { cwd: folder.path });
  expect(plain.stderr).toBe('millrace: disk/b.gz: cannot write disk/b: no space left on device\n');
  expect(plain.code).toBe(1);
  expect((await run('ls', ['-A', folder.at('disk')])).stdout.toString()).toBe('b.gz\n');
});

describe('a reader that leaves', () => {
  test.each([
    ['compressing', []],
    ['decompressing', ['-d']],
  ])('ends the work at once, %s', async (_, options) => {
    const folder = new Folder();
    if (options.length > 0) folder.write('huge', gzipSync(Buffer.alloc(400_000_000), { level: 1 }));
    else folder.writeHuge('huge');
    const running = startMillrace(['gzip', ...options, '-c', 'huge', 'huge'], { cwd: folder.path });
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    const { code, stderr } = await running.ended;
    expect(stderr).toBe('millrace: huge: standard output was closed by its reader\n');
    expect(code).toBe(1);
  });

  test('-q says nothing of it', async () => {
    const folder = new Folder();
    folder.writeHuge('huge');
    const running = startMillrace(['gzip', '-qc', 'huge'], { cwd: folder.path });
    running.child.stdout?.once('data', () => running.child.stdout?.destroy());
    expect(await running.ended).toMatchObject({ code: 1, stderr: '' });
  });
});

test('nobody reads the messages: the exit code tells all the same', async () => {
  const folder = new Folder();
  const running = startMillrace(['gzip', 'nothing'], {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.child.stderr?.destroy();
  expect((await running.ended).code).toBe(1);
});
