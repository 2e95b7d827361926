import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { createMill } from '@millrace/workers';
import { gzip, type GzipParams } from '@millrace/workers/ops';
import { afterAll, describe, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';
import { failureOf } from './failure.ts';
import { isMissing, through } from './programs.ts';
import { folder } from './temporary.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

async function packed(params?: GzipParams, input: Uint8Array = Buffer.from('x')): Promise<Buffer> {
  return Buffer.from(await mill.run(gzip, input, params));
}

test('the header is that of RFC 1952: no name and no time unless they are given', async () => {
  const bytes = await packed();
  expect([...bytes.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
});

test('the header says which levels are the fastest and the smallest', async () => {
  const extraFlags = async (level: number): Promise<number> => (await packed({ level }))[8]!;
  expect(await Promise.all([1, 6, 9].map(extraFlags))).toEqual([4, 0, 2]);
});

test('name and time stand where readers look for them', async () => {
  const bytes = await packed({ name: 'flour.txt', mtime: 1_700_000_000 });
  expect(bytes[3]).toBe(8);
  expect(bytes.readUInt32LE(4)).toBe(1_700_000_000);
  expect(bytes.subarray(10, 20).toString('latin1')).toBe('flour.txt\0');
});

test('times up to 2^32 - 1 can be noted', async () => {
  expect((await packed({ mtime: 2 ** 32 - 1 })).readUInt32LE(4)).toBe(2 ** 32 - 1);
});

describe.skipIf(isMissing('gzip'))('gzip', () => {
  test.each(['flour.txt', 'größe.dat', 'two words'])(
    'restores the name "%s" and the time',
    async (name) => {
      const dir = folder();
      const path = join(dir, 'packed.gz');
      writeFileSync(path, await packed({ name, mtime: 1_234_567_890 }, Buffer.from('bran')));
      const { status, stderr } = spawnSync('gzip', ['-dN', path], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(readdirSync(dir)).toEqual([name]);
      expect(statSync(join(dir, name)).mtimeMs).toBe(1_234_567_890_000);
      expect(readFileSync(join(dir, name), 'utf8')).toBe('bran');
    },
  );

  test('lists the length, the checksum and the name', async () => {
    const path = join(folder(), 'packed.gz');
    const input = noise(300_000);
    writeFileSync(path, await packed({ name: 'listed', mtime: 1 }, input));
    const listing = spawnSync('gzip', ['-lNv', path], { encoding: 'utf8' }).stdout;
    const checksum = readFileSync(path).readUInt32LE(readFileSync(path).length - 8);
    const line = listing.trim().split('\n').at(-1)!.split(/\s+/);
    expect(line[0]).toMatch(/^defla/);
    expect(line[1]).toBe(checksum.toString(16).padStart(8, '0'));
    expect(line).toContain('300000');
    expect(line.at(-1)).toMatch(/listed$/);
  });
});

test.each<[string, object]>([
  ['level', { level: 10 }],
  ['level', { level: -1 }],
  ['level', { level: 1.5 }],
  ['level', { level: '6' }],
  ['level', { level: null }],
  ['level', { level: Number.NaN }],
  ['mtime', { mtime: -1 }],
  ['mtime', { mtime: 2 ** 32 }],
  ['mtime', { mtime: 0.5 }],
  ['mtime', { mtime: new Date() }],
  ['name', { name: 'a\0b' }],
  ['name', { name: 7 }],
])('a wrong "%s" is named: %o', async (name, params) => {
  const error = await failureOf(mill.run(gzip, Buffer.from('x'), params));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`"${name}"`);
  expect(() => mill.stream(gzip, params)).toThrow(`"${name}"`);
});

test.skipIf(isMissing('pigz'))(
  'source code comes out smaller than from pigz, at each level, and than at the level before',
  async () => {
    const corpus = sources();
    expect(corpus.length).toBeGreaterThan(2 * MiB);
    let before = Infinity;
    for (let level = 1; level <= 9; level++) {
      const ours = (await packed({ level }, corpus)).length;
      const theirs = through('pigz', [`-${level}`, '-c'], corpus).length;
      expect(ours / theirs, `level ${level}`).toBeLessThanOrEqual(1);
      expect(ours, `level ${level}`).toBeLessThanOrEqual(before);
      before = ours;
    }
  },
);

/** The JavaScript and the declarations of the tools that this repository is made with. */
function sources(): Buffer {
  const require = createRequire(import.meta.url);
  const packages = ['vitest', 'fast-check'].map((name) => dirname(require.resolve(name)));
  const files = packages.flatMap((path) =>
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.([cm]?js|d\.[cm]?ts)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  return Buffer.concat(files.sort().map((path) => readFileSync(path)));
}
