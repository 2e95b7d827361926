/** Input that has no name, no size or next to nothing in it. */
import { createWriteStream, openSync, closeSync, readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { isOnPath, millrace, run, startMillrace, until } from './run.js';

describe.each([
  ['0 bytes', Buffer.alloc(0)],
  ['1 byte', Buffer.from('x')],
  ['3 MB', text(3_000_000)],
])('%s', (_, data) => {
  test('from a pipe', async () => {
    const { code, stdout } = await millrace(['gzip'], { input: data });
    expect(gunzipSync(stdout).equals(data)).toBe(true);
    expect(code).toBe(0);
    const plain = await millrace(['gzip', '-d'], { input: stdout });
    expect(plain.stdout.equals(data)).toBe(true);
    expect(plain.code).toBe(0);
  });

  test('from a file', async () => {
    const folder = new Folder();
    folder.write('a', data);
    expect(await millrace(['gzip', 'a'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(gunzipSync(readFileSync(folder.at('a.gz'))).equals(data)).toBe(true);
    expect(await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path })).toMatchObject({ code: 0 });
    expect(readFileSync(folder.at('a')).equals(data)).toBe(true);
  });

  test('from a file on standard input, which stays', async () => {
    const folder = new Folder();
    const input = openSync(folder.write('a', data), 'r');
    const { code, stdout } = await startMillrace(['gzip', '-'], { stdio: [input, 'pipe', 'pipe'] })
      .ended;
    closeSync(input);
    expect(gunzipSync(stdout).equals(data)).toBe(true);
    expect(code).toBe(0);
    expect(folder.list()).toEqual(['a']);
  });
});

test('a directory on standard input is an error', async () => {
  const directory = openSync(new Folder().path, 'r');
  const stdio = [directory, 'pipe', 'pipe'] as const;
  const { code, stdout, stderr } = await startMillrace(['gzip'], { stdio: [...stdio] }).ended;
  closeSync(directory);
  expect(stderr).toBe('millrace: standard input: is a directory\n');
  expect(stdout).toHaveLength(0);
  expect(code).toBe(1);
});

test('the same bytes come out whatever the input is and however many threads there are', async () => {
  const folder = new Folder();
  const data = text(2_000_000);
  folder.write('a', data);
  const piped = await millrace(['gzip', '-p3'], { input: data });
  const { stdout } = await millrace(['gzip', '-cp1', 'a'], { cwd: folder.path });
  // 10 bytes of header, and after them the name of the file.
  expect(stdout.subarray(10 + 'a\0'.length).equals(piped.stdout.subarray(10))).toBe(true);
});

test('from nowhere to a file', async () => {
  const folder = new Folder();
  const ended = await millrace(['gzip', '-o', 'out.gz'], { cwd: folder.path, input: 'data' });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(String(gunzipSync(readFileSync(folder.at('out.gz'))))).toBe('data');
});

test('a file appears under its name when it is whole, not before', async () => {
  const folder = new Folder();
  const running = startMillrace(['gzip', '-o', 'out.gz'], { cwd: folder.path });
  running.child.stdin?.write(text(1_000_000));
  await until(() => folder.hasTemporary);
  expect(folder.list()).not.toContain('out.gz');
  running.child.stdin?.end();
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(folder.list()).toEqual(['out.gz']);
});

describe.skipIf(!isOnPath('mkfifo'))('a FIFO', () => {
  test.each([
    ['compressed with -f, and stays', ['gzip', '-f', 'pipe'], 'pipe.gz', false],
    ['decompressed with -o', ['gzip', '-d', '-o', 'out', 'pipe'], 'out', true],
  ])('is %s', async (_, args, target, decompress) => {
    const folder = new Folder();
    const data = text(1_000_000);
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(args, { cwd: folder.path });
    createWriteStream(folder.at('pipe')).end(decompress ? gzipSync(data) : data);
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
    const result = readFileSync(folder.at(target));
    expect((decompress ? result : gunzipSync(result)).equals(data)).toBe(true);
    expect(folder.list()).toEqual([target, 'pipe'].sort());
  });

  test('needs no -f for standard output', async () => {
    const folder = new Folder();
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(['gzip', '-c', 'pipe'], { cwd: folder.path });
    createWriteStream(folder.at('pipe')).end('data');
    const { code, stdout } = await running.ended;
    expect(String(gunzipSync(stdout))).toBe('data');
    expect(code).toBe(0);
  });

  test('can be written to with -o', async () => {
    const folder = new Folder();
    folder.write('a', 'data');
    await run('mkfifo', [folder.at('pipe')]);
    const running = startMillrace(['gzip', '-o', 'pipe', 'a'], { cwd: folder.path });
    const { stdout } = await run('cat', [folder.at('pipe')]);
    expect(String(gunzipSync(stdout))).toBe('data');
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
