import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createMill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK, MiB, kinds } from './content.ts';
import { isMissing, through } from './programs.ts';
import { fileOf, folder, namedPipe } from './temporary.ts';

const KiB = 1024;
const READERS = ['gzip', 'pigz', 'igzip'];
const SIZES = [
  ['nothing', 0],
  ['1 byte', 1],
  ['32 KiB - 1', 32 * KiB - 1],
  ['32 KiB', 32 * KiB],
  ['32 KiB + 1', 32 * KiB + 1],
  ['a block - 1', BLOCK - 1],
  ['a block', BLOCK],
  ['a block + 1', BLOCK + 1],
  ['a block + 32 KiB', BLOCK + 32 * KiB],
  ['two blocks', 2 * BLOCK],
  ['five blocks', 5 * BLOCK],
  ['five blocks + 1', 5 * BLOCK + 1],
  ['20 MiB', 20 * MiB],
] as const;

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

describe.each(Object.entries(kinds))('%s', (_kind, make) => {
  describe.each(SIZES)('of %s', (_size, bytes) => {
    const input = make(bytes);
    let packed: Buffer;

    test('from a file, a pipe or bytes: the same gzip file comes out', async () => {
      const path = fileOf(input);
      const to = join(folder(), 'packed.gz');
      const report = await mill.pump({ from: path, op: gzip, to });
      packed = readFileSync(to);
      expect(report).toMatchObject({ bytesIn: bytes, bytesOut: packed.length, retries: 0 });
      expect(report.chunks).toBe(Math.max(1, Math.ceil(bytes / BLOCK)));

      const piped = join(folder(), 'piped.gz');
      await mill.pump({ from: spawn('cat', [path]).stdout, op: gzip, to: piped });
      expect(readFileSync(piped).equals(packed)).toBe(true);

      expect(Buffer.from(await mill.run(gzip, input)).equals(packed)).toBe(true);
      expect(mill.stats().slices.live).toBe(0);
    });

    test('zlib gives the input back', () => {
      expect(gunzipSync(packed).equals(input)).toBe(true);
    });

    for (const reader of READERS) {
      test.skipIf(isMissing(reader))(`${reader} gives the input back`, () => {
        expect(through(reader, ['-dc'], packed).equals(input)).toBe(true);
      });
    }
  });
});

test('a named pipe gives what a file gives, by its path and by a descriptor', async () => {
  const input = kinds.text(3 * BLOCK + 5);
  const packed = Buffer.from(await mill.run(gzip, input));
  const source = fileOf(input);
  const pipe = namedPipe();

  const byPath = join(folder(), 'by-path.gz');
  spawn('sh', ['-c', 'cat "$0" > "$1"', source, pipe]);
  await mill.pump({ from: pipe, op: gzip, to: byPath });
  expect(readFileSync(byPath).equals(packed)).toBe(true);

  const byDescriptor = join(folder(), 'by-descriptor.gz');
  spawn('sh', ['-c', 'cat "$0" > "$1"', source, pipe]);
  const descriptor = openSync(pipe, 'r');
  await mill.pump({ from: descriptor, op: gzip, to: byDescriptor });
  closeSync(descriptor);
  expect(readFileSync(byDescriptor).equals(packed)).toBe(true);
});

test('gzip files joined are read as one', async () => {
  const first = await mill.run(gzip, Buffer.from('grist '));
  const second = await mill.run(gzip, Buffer.from('for the mill'));
  expect(gunzipSync(Buffer.concat([first, second])).toString()).toBe('grist for the mill');
});

test.skipIf(isMissing('gzip'))('gzip finds nothing wrong with the file', async () => {
  const path = join(folder(), 'packed.gz');
  writeFileSync(path, await mill.run(gzip, kinds.text(2 * MiB)));
  expect(through('gzip', ['-t', path], Buffer.alloc(0)).toString()).toBe('');
});
