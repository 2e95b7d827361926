import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { millrace } from './run.js';

const data = text(400_000);
const packed = gzipSync(data);

test('the suffix goes, whichever it is', async () => {
  const folder = new Folder();
  const packedNames = ['a.gz', 'b.tgz', 'c.taz', 'd-gz', 'e_z', 'f.Z'];
  for (const name of packedNames) folder.write(name, packed);
  const ended = await millrace(['gzip', '-d', ...packedNames], { cwd: folder.path });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(folder.list()).toEqual(['a', 'b.tar', 'c.tar', 'd', 'e', 'f']);
  for (const name of folder.list()) expect(readFileSync(folder.at(name))).toEqual(data);
});

test('FILE stands for FILE.gz', async () => {
  const folder = new Folder();
  folder.write('a.gz', packed);
  expect(await millrace(['gzip', '-d', 'a'], { cwd: folder.path })).toMatchObject({ code: 0 });
  expect(folder.list()).toEqual(['a']);
});

test('neither FILE nor FILE.gz is there', async () => {
  const folder = new Folder();
  const { code, stderr } = await millrace(['gzip', '-d', 'a'], { cwd: folder.path });
  expect(stderr).toBe('millrace: a: no such file or directory, nor is there a.gz\n');
  expect(code).toBe(1);
});

test('a file with an unknown suffix is ignored', async () => {
  const folder = new Folder();
  folder.write('a.zip', packed);
  const { code, stderr } = await millrace(['gzip', '-d', 'a.zip'], { cwd: folder.path });
  expect(stderr).toBe('millrace: a.zip: unknown suffix -- ignored\n');
  expect(code).toBe(2);
  expect(folder.list()).toEqual(['a.zip']);
});

test('to standard output the suffix does not matter', async () => {
  const folder = new Folder();
  folder.write('a.zip', packed);
  const { code, stdout } = await millrace(['gzip', '-dc', 'a.zip'], { cwd: folder.path });
  expect(stdout).toEqual(data);
  expect(code).toBe(0);
});

test('members that follow each other are one file', async () => {
  const input = Buffer.concat([gzipSync('one '), gzipSync(''), packed, gzipSync(' two')]);
  const { code, stdout } = await millrace(['gzip', '-d'], { input });
  expect(stdout).toEqual(Buffer.concat([Buffer.from('one '), data, Buffer.from(' two')]));
  expect(code).toBe(0);
});

test('zeros after the data are padding, as on tapes', async () => {
  const folder = new Folder();
  folder.write('a.gz', Buffer.concat([packed, Buffer.alloc(5000)]));
  const ended = await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(folder.list()).toEqual(['a']);
});

test('garbage after the data is a warning: the output is kept, and the input too', async () => {
  const folder = new Folder();
  folder.write('a.gz', Buffer.concat([packed, Buffer.from('garbage')]));
  const { code, stderr } = await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path });
  expect(stderr).toBe(
    'millrace: a.gz: ignored 7 bytes of garbage after the compressed data; the file is kept\n',
  );
  expect(code).toBe(2);
  expect(readFileSync(folder.at('a'))).toEqual(data);
  expect(folder.list()).toEqual(['a', 'a.gz']);

  const quiet = await millrace(['gzip', '-dqf', 'a.gz'], { cwd: folder.path });
  expect(quiet).toMatchObject({ code: 2, stderr: '' });
});

describe('what cannot be decompressed ends with 1 and leaves nothing behind', () => {
  async function expectRefused(input: Uint8Array, message: string | RegExp): Promise<void> {
    const folder = new Folder();
    folder.write('a.gz', input);
    const { code, stderr } = await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path });
    expect(stderr).toMatch(/^millrace: a\.gz: [^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    expect(folder.list()).toEqual(['a.gz']);
    expect(readFileSync(folder.at('a.gz'))).toEqual(input);
  }

  test('no gzip data', () => expectRefused(Buffer.from('plain text'), 'is not in gzip format'));

  test('an empty file', () => expectRefused(Buffer.alloc(0), 'ends too early'));

  test('cut off anywhere', async () => {
    const folder = new Folder();
    const whole = packed.length;
    const cuts = [2, 3, 9, 10, 11, 100, whole >> 1, whole - 9, whole - 8, whole - 4, whole - 1];
    const names = cuts.map((cut) => `cut-at-${cut}.gz`);
    cuts.forEach((cut, at) => folder.write(names[at]!, packed.subarray(0, cut)));
    const { code, stderr } = await millrace(['gzip', '-d', ...names], { cwd: folder.path });
    expect(stderr).toBe(names.map((name) => `millrace: ${name}: ends too early\n`).join(''));
    expect(code).toBe(1);
    expect(folder.list()).toEqual(names.toSorted());
  });

  test('the second member is cut off', () =>
    expectRefused(Buffer.concat([packed, packed.subarray(0, 500)]), 'ends too early'));

  test('a damaged body', () => {
    const damaged = Buffer.from(packed);
    damaged.fill(0xff, packed.length >> 1, (packed.length >> 1) + 8);
    return expectRefused(damaged, /is damaged|checksum/);
  });

  test('a damaged checksum', () => {
    const damaged = Buffer.from(packed);
    damaged[packed.length - 8]! ^= 1;
    return expectRefused(damaged, 'its checksum or length differs');
  });

  test('a damaged length', () => {
    const damaged = Buffer.from(packed);
    damaged[packed.length - 1]! ^= 1;
    return expectRefused(damaged, 'its checksum or length differs');
  });

  test('an unknown method', () => {
    const damaged = Buffer.from(packed);
    damaged[2] = 7;
    return expectRefused(damaged, 'method is 7');
  });
});

test('a damaged file does not stop the next', async () => {
  const folder = new Folder();
  folder.write('a.gz', 'plain text');
  folder.write('b.gz', packed);
  const { code } = await millrace(['gzip', '-d', 'a.gz', 'b.gz'], { cwd: folder.path });
  expect(code).toBe(1);
  expect(folder.list()).toEqual(['a.gz', 'b']);
});

test('a file of 20 MB comes back as it was', async () => {
  const folder = new Folder();
  const large = Buffer.concat(Array.from({ length: 50 }, () => data));
  writeFileSync(folder.at('a'), large);
  await millrace(['gzip', '-1', 'a'], { cwd: folder.path });
  await millrace(['gzip', '-d', 'a.gz'], { cwd: folder.path });
  expect(large.equals(readFileSync(folder.at('a')))).toBe(true);
});
