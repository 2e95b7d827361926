import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { millrace } from './run.js';

const data = text(500_000);

describe('--json', () => {
  test('is one line for each file, with numbers', async () => {
    const folder = new Folder();
    folder.write('a b', data);
    const ended = await millrace(['gzip', '--json', 'a b'], { cwd: folder.path });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(String(ended.stdout)).toMatch(/^\{[^\n]*\}\n$/);
    const report = JSON.parse(String(ended.stdout)) as Record<string, number>;
    expect(report).toEqual({
      file: 'a b',
      target: 'a b.gz',
      bytesIn: data.length,
      bytesOut: expect.any(Number),
      ratio: expect.any(Number),
      elapsedMs: expect.any(Number),
      MBps: expect.any(Number),
      threads: expect.any(Number),
    });
    expect(report['ratio']).toBeCloseTo(report['bytesOut']! / data.length, 3);
    const seconds = report['elapsedMs']! / 1000;
    expect(report['MBps']).toBeCloseTo(data.length / 1e6 / seconds, -1);
  });

  test('decompressing, the ratio and the rate are those of the plain bytes too', async () => {
    const folder = new Folder();
    const packed = gzipSync(data);
    folder.write('a.gz', packed);
    const { stdout } = await millrace(['gzip', '-d', '--json', 'a.gz'], { cwd: folder.path });
    const report = JSON.parse(String(stdout)) as Record<string, number>;
    expect(report).toMatchObject({
      file: 'a.gz',
      target: 'a',
      bytesIn: packed.length,
      bytesOut: data.length,
      threads: 1,
    });
    expect(report['ratio']).toBeCloseTo(packed.length / data.length, 3);
  });

  test('an empty file has no ratio', async () => {
    const folder = new Folder();
    folder.write('a', '');
    const { stdout } = await millrace(['gzip', '--json', 'a'], { cwd: folder.path });
    expect(JSON.parse(String(stdout))).toMatchObject({
      bytesIn: 0,
      ratio: null,
      MBps: 0,
      threads: 1,
    });
  });

  test('goes to standard error when the data goes to standard output', async () => {
    const { stdout, stderr } = await millrace(['gzip', '--json'], { input: data });
    expect(stdout.readUInt16BE(0)).toBe(0x1f8b);
    expect(JSON.parse(stderr)).toMatchObject({ file: '-', target: '-', bytesIn: data.length });
  });

  test('tells what was wrong with a file, with a code', async () => {
    const folder = new Folder();
    folder.write('a.gz', Buffer.concat([gzipSync('a'), Buffer.from('garbage')]));
    folder.write('b.gz', 'plain');
    const { code, stdout } = await millrace(['gzip', '-d', '--json', 'a.gz', 'b.gz', 'c.gz'], {
      cwd: folder.path,
    });
    const [a, b, c] = String(stdout)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(a).toMatchObject({ target: 'a', bytesOut: 1, warning: { message: /garbage/ } });
    expect(b).toEqual({
      file: 'b.gz',
      target: 'b',
      error: { code: 'ERR_INPUT_FORMAT', message: 'is not in gzip format' },
    });
    expect(c).toEqual({
      file: 'c.gz',
      error: { code: 'ENOENT', message: 'no such file or directory' },
    });
    expect(code).toBe(1);
  });
});

describe('-v', () => {
  test('tells what became of a file, and how fast', async () => {
    const folder = new Folder();
    folder.write('a', Buffer.alloc(1_000_000));
    const replaced = await millrace(['gzip', '-v', 'a'], { cwd: folder.path });
    expect(replaced.stderr).toMatch(
      /^a: {2}99\.\d% -- replaced with a\.gz \(1\.0 MB in \d\.\d+ s, [\d.]+ [kM]B\/s\)\n$/,
    );
    expect(replaced.stdout).toHaveLength(0);
    const created = await millrace(['gzip', '-dkv', 'a.gz'], { cwd: folder.path });
    expect(created.stderr).toMatch(/^a\.gz: {2}99\.\d% -- created a \(1\.0 MB in /);
  });

  test('tells of standard input and output by what they are', async () => {
    const { stderr } = await millrace(['gzip', '-v'], { input: '' });
    expect(stderr).toMatch(/^standard input: {3}0\.0% -- written to standard output \(0 B in /);
  });

  test('without it nothing is said', async () => {
    expect(await millrace(['gzip'], { input: data })).toMatchObject({ stderr: '' });
  });

  test('of -q and -v the last counts', async () => {
    expect((await millrace(['gzip', '-vq'], { input: data })).stderr).toBe('');
    expect((await millrace(['gzip', '-qv'], { input: data })).stderr).toContain('standard input');
  });
});

test('names are shown without the power to command the terminal', async () => {
  const folder = new Folder();
  const { stderr } = await millrace(['gzip', 'evil\u001b[2J'], { cwd: folder.path });
  expect(stderr).toBe('millrace: evil\\x1b[2J: no such file or directory\n');
});
