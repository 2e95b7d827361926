/** What millrace writes others read, and the other way round. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { Folder, text } from './folder.js';
import { bin, isMissing, millrace, run } from './run.js';

const samples: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['text', text(3_000_000)],
  ['zeros', Buffer.alloc(5_000_000)],
  // A program that is already on the machine: neither text nor noise.
  ['a program', readFileSync(process.execPath).subarray(0, 4_000_000)],
];

describe('what millrace writes', () => {
  const written = new Map<string, Buffer[]>();

  beforeAll(async () => {
    for (const [name, data] of samples) {
      const ended = ['-1', '-6', '-9'].map((level) => millrace(['gzip', level], { input: data }));
      written.set(
        name,
        (await Promise.all(ended)).map(({ stdout }) => stdout),
      );
    }
  });

  describe.each(['gzip', 'pigz', 'igzip'])('%s reads', (peer) => {
    test.skipIf(isMissing(peer)).each(samples)('%s', async (name, data) => {
      for (const packed of written.get(name) ?? []) {
        const { stdout } = await run(peer, ['-dc'], { input: packed });
        expect(stdout.equals(data)).toBe(true);
      }
    });
  });
});

describe('millrace reads', () => {
  describe.each(['gzip', 'pigz', 'igzip'])('what %s writes', (peer) => {
    test.skipIf(isMissing(peer)).each(samples)('of %s', async (_, data) => {
      const packed = await run(peer, ['-c'], { input: data });
      const { code, stdout } = await millrace(['gzip', '-d'], { input: packed.stdout });
      expect(stdout.equals(data)).toBe(true);
      expect(code).toBe(0);
    });
  });
});

test.skipIf(isMissing('gzip'))('tar takes it for its gzip', async () => {
  const folder = new Folder();
  folder.write('a', text(100_000));
  const command = `'${process.execPath}' '${bin}' gzip`;
  await run('tar', ['-I', command, '-cf', 'a.tgz', 'a'], { cwd: folder.path });
  const { stdout } = await run('tar', ['-xzOf', 'a.tgz'], { cwd: folder.path });
  expect(stdout.equals(text(100_000))).toBe(true);
});
