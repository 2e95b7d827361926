import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { createMill, type Mill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterEach, expect, test } from 'vitest';
import { stumble, visit, visitLater, waitForVisits } from './breathing-ops.mjs';

let mill: Mill;

afterEach(() => mill.close());

test('small tasks run on the only thread while a long task there breathes', async () => {
  mill = await createMill({ threads: 1 });
  await mill.run(visit);
  const long = mill.run(waitForVisits, undefined, { count: 100 });
  const visits = Array.from({ length: 100 }, () => mill.run(visit));
  expect(await long).toBe(100);
  expect(new Set(await Promise.all(visits)).size).toBe(1);
});

test('asynchronous ones begin then, and end later', async () => {
  mill = await createMill({ threads: 1 });
  await mill.run(visitLater);
  const long = mill.run(waitForVisits, undefined, { count: 10 });
  const visits = Array.from({ length: 10 }, () => mill.run(visitLater));
  expect(await long).toBe(10);
  expect(new Set(await Promise.all(visits)).size).toBe(1);
});

test('one that fails does not disturb the long one', async () => {
  mill = await createMill({ threads: 1 });
  await mill.run(visit);
  await expect(mill.run(stumble)).rejects.toThrow('over the doorstep');
  const long = mill.run(waitForVisits, undefined, { count: 2 });
  await expect(mill.run(stumble)).rejects.toMatchObject({ code: 'ERR_OP_FAILED' });
  await mill.run(visit);
  expect(await long).toBe(2);
});

test('one whose op is not loaded yet runs afterwards', async () => {
  mill = await createMill({ threads: 1 });
  await mill.run(visit);
  const long = mill.run(waitForVisits, undefined, { count: 1 });
  const later = mill.run(stumble);
  await mill.run(visit);
  expect(await long).toBe(1);
  await expect(later).rejects.toThrow('over the doorstep');
});

test('what is compressed while something is compressed comes out right, and so does that', async () => {
  mill = await createMill({ threads: 1 });
  const large = Buffer.concat(
    Array.from({ length: 64 }, (_, i) => Buffer.from(randomBytes(1024 * (i + 1)).toString('hex'))),
  );
  const small = Array.from({ length: 200 }, (_, i) => Buffer.from(`small ${i} `.repeat(i)));
  const alone = await mill.run(gzip, large);
  const zippedLarge = mill.run(gzip, large);
  const zippedSmall = await Promise.all(small.map((bytes) => mill.run(gzip, bytes)));
  expect(Buffer.compare(await zippedLarge, alone)).toBe(0);
  expect(Buffer.compare(gunzipSync(alone), large)).toBe(0);
  for (const [i, zipped] of zippedSmall.entries()) {
    expect(Buffer.compare(gunzipSync(zipped), small[i]!)).toBe(0);
  }
});
