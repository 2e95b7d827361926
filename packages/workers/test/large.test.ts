/** The same as for small files, for files of 300 MiB when MILLRACE_LARGE is 1; that takes minutes, so of 3 MiB without. */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMill } from '@millrace/workers';
import { decompress } from '@millrace/workers/internal';
import { gzip } from '@millrace/workers/ops';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MiB, kinds } from './content.ts';
import { isMissing } from './programs.ts';

const SIZE = (process.env['MILLRACE_LARGE'] === '1' ? 300 : 3) * MiB + 1;
const PIECE = 10 * MiB;
const PATIENCE_MS = 300_000;

const dir = mkdtempSync(join(tmpdir(), 'millrace-large-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** Whether two files are the same, or a command's output is the same as a file. */
function expectSame(path: string, other: string, command = 'cat'): void {
  const { status, stderr } = spawnSync('sh', ['-c', '$0 "$1" | cmp - "$2"', command, path, other], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

describe.each(Object.entries(kinds))(`${SIZE} bytes of %s`, (kind, make) => {
  const input = join(dir, kind);
  const packed = join(dir, `${kind}.gz`);

  beforeAll(() => {
    const piece = make(PIECE);
    writeFileSync(input, '');
    for (let left = SIZE; left > 0; left -= PIECE) appendFileSync(input, piece.subarray(0, left));
  });

  test.each([1, 2, 3, 8])(
    'come out the same from %d threads, from a file and from a pipe',
    { timeout: PATIENCE_MS },
    async (threads) => {
      await using mill = await createMill({ threads });
      if (threads === 1) await mill.pump({ from: input, op: gzip, to: packed });
      const output = join(dir, 'output');
      for (const from of [input, spawn('cat', [input]).stdout]) {
        const report = await mill.pump({ from, op: gzip, to: output });
        expect(report.bytesIn).toBe(SIZE);
        expectSame(output, packed);
      }
      expect(mill.stats()).toMatchObject({ slices: { live: 0 }, deaths: 0 });
    },
  );

  for (const reader of ['gzip', 'pigz', 'igzip']) {
    test.skipIf(isMissing(reader))(`are given back by ${reader}`, { timeout: PATIENCE_MS }, () => {
      expectSame(packed, input, `${reader} -dc`);
    });
  }

  test('are given back by decompress', { timeout: PATIENCE_MS }, async () => {
    const output = join(dir, 'output');
    await decompress({ from: packed, to: output });
    expectSame(output, input);
  });
});
