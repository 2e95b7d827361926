/** The built-in ops give what others give. */
import { createHash } from 'node:crypto';
import { crc32 as crc32Of } from 'node:zlib';
import { createMill } from '@millrace/workers';
import { crc32, sha256 } from '@millrace/workers/ops';
import { afterAll, expect, test } from 'vitest';
import { MiB, noise } from './content.ts';

const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());

const CHUNK = 256 * 1024;

test.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 17 * MiB + 3])(
  'crc32 of %d bytes is what zlib says',
  async (size) => {
    const bytes = noise(size);
    expect(await mill.run(crc32, bytes)).toBe(crc32Of(bytes));
    if (size === 0) return;
    using slice = mill.buffers.acquire(size);
    slice.bytes.set(bytes);
    expect(await mill.run(crc32, slice)).toBe(crc32Of(bytes));
  },
);

test.each([0, 1, 1000, 17 * MiB + 3])('sha256 of %d bytes is what OpenSSL says', async (size) => {
  const bytes = noise(size);
  const digest = createHash('sha256').update(bytes).digest();
  expect(Buffer.from(await mill.run(sha256, bytes)).equals(digest)).toBe(true);
});
