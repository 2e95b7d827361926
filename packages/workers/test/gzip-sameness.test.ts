import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { createMill, type FlowSource, type Mill } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, describe, expect, test } from 'vitest';
import { BLOCK, MiB, kinds, noise, text } from './content.ts';
import { descriptorOf, fileOf, newPath } from './temporary.ts';

const mills = await Promise.all([1, 2, 3, 8].map((threads) => createMill({ threads })));
const [alone] = mills as [Mill, ...Mill[]];
afterAll(async () => {
  await Promise.all(mills.map((mill) => mill.close()));
});

async function pumped(mill: Mill, from: FlowSource, level = 6): Promise<Buffer> {
  const to = newPath();
  await mill.pump({ from, op: gzip, params: { level }, to });
  return readFileSync(to);
}

describe.each(Object.entries(kinds))('%s', (_kind, make) => {
  test.each([0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * MiB, 13 * BLOCK])(
    'of %d bytes gives the same output on 1, 2, 3 and 8 threads, from file and from memory',
    async (bytes) => {
      const input = make(bytes);
      const path = fileOf(input);
      const expected = Buffer.from(await alone.run(gzip, input));
      for (const mill of mills) {
        expect((await pumped(mill, path)).equals(expected)).toBe(true);
        expect(Buffer.from(await mill.run(gzip, input)).equals(expected)).toBe(true);
      }
    },
  );

  test('gives the same output at each level on 1, 2, 3 and 8 threads, and the input back', async () => {
    const input = make(2 * BLOCK + 99);
    for (let level = 0; level <= 9; level++) {
      const outputs = await Promise.all(mills.map((mill) => mill.run(gzip, input, { level })));
      const [expected] = outputs.map((output) => Buffer.from(output));
      expect(gunzipSync(expected!).equals(input)).toBe(true);
      for (const output of outputs) expect(expected!.equals(output)).toBe(true);
    }
  });
});

test('every kind of source gives the same output', async () => {
  const input = Buffer.concat([text(3 * BLOCK), noise(1234)]);
  const path = fileOf(input);
  const inPieces = function* (size: number): Generator<Buffer> {
    for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
  };
  const sources: Record<string, FlowSource> = {
    path,
    url: new URL(`file://${path}`),
    descriptor: descriptorOf(path, 'r'),
    bytes: input,
    'a Node stream': createReadStream(path),
    'a Node stream of small pieces': createReadStream(path, { highWaterMark: 1009 }),
    'a Node stream of blocks': createReadStream(path, { highWaterMark: BLOCK }),
    'a web stream': Readable.toWeb(createReadStream(path)),
    'an iterable of one piece': [input],
    'an iterable of big pieces': inPieces(BLOCK + 1),
    'an asynchronous iterable': (async function* () {
      for (const piece of inPieces(70_001)) {
        await new Promise(setImmediate);
        yield piece;
      }
    })(),
  };
  const expected = Buffer.from(await alone.run(gzip, input));
  for (const [name, from] of Object.entries(sources)) {
    const output = await pumped(mills[1]!, from);
    expect(output.equals(expected), `from ${name}`).toBe(true);
  }
  const duplex = mills[2]!.stream(gzip);
  expect((await buffer(Readable.from(inPieces(999)).pipe(duplex))).equals(expected)).toBe(true);
});

test('one mill gives the same output when it runs many flows at once', async () => {
  const input = text(9 * BLOCK + 17);
  const expected = Buffer.from(await alone.run(gzip, input));
  const outputs = await Promise.all(Array.from({ length: 12 }, () => mills[1]!.run(gzip, input)));
  for (const output of outputs) expect(expected.equals(output)).toBe(true);
  expect(mills[1]!.stats().slices.live).toBe(0);
});

test('higher levels do not give larger files, and level 0 only stores', async () => {
  const input = text(2 * MiB);
  const sizes: number[] = [];
  for (const level of [0, 1, 6, 9]) {
    sizes.push((await alone.run(gzip, input, { level })).length);
  }
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  expect(sizes[0]).toBeGreaterThan(input.length);
  expect(sizes[0]).toBeLessThan(input.length * 1.001);
  expect(sizes[1]).toBeLessThan(input.length / 2);
});
