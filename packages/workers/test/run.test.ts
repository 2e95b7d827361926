import { createMill, type Mill, type Op } from '@millrace/workers';
import { gzip } from '@millrace/workers/ops';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { BLOCK, MiB, noise, text } from './content.ts';
import { codeOf } from './failure.ts';
import * as ops from './ops.mjs';

const LARGEST = 4 * MiB;
const mill = await createMill({ threads: 2 });
afterAll(() => mill.close());
afterEach(() => expect(mill.stats().slices.live).toBe(0));

function sliceOf(bytes: Uint8Array, of: Mill = mill) {
  const slice = of.buffers.acquire(bytes.length);
  slice.bytes.set(bytes);
  return slice;
}

describe('an op that returns a value', () => {
  test('may return a number', async () => {
    expect(await mill.run(ops.sum, new Uint8Array([1, 2, 3]))).toBe(6);
  });

  test.each([0, -0, -1.5, 2 ** 53, Infinity, Number.NaN])('may return the number %d', async (n) => {
    expect(await mill.run(ops.give, undefined, n)).toBe(n);
  });

  test('may return nothing', async () => {
    expect(await mill.run(ops.nothing, new Uint8Array(1))).toBeUndefined();
  });

  test.each([0, 1, 63, 64, 65, 4096, LARGEST])('may return %d bytes', async (count) => {
    const input = noise(LARGEST);
    const result = await mill.run(ops.head, input, { count });
    expect(result).toBeInstanceOf(Uint8Array);
    expect(Buffer.from(result).equals(input.subarray(0, count))).toBe(true);
  });

  test.each([10, 64, 65, 5000])(
    'may return a view of %d bytes of its input, and the caller gets bytes of its own',
    async (count) => {
      const input = noise(5000);
      const result = await mill.run(ops.view, input, { count });
      expect(result.buffer).toBeInstanceOf(ArrayBuffer);
      // Others use the slot in the meantime.
      for (let i = 0; i < 10; i++) await mill.run(ops.sum, new Uint8Array(5000).fill(i));
      expect(Buffer.from(result).equals(input.subarray(0, count))).toBe(true);
    },
  );

  test('may return an object, and sees shared memory, no output and its params', async () => {
    const params = { map: new Map([['a', [1n, new Date(0)]]]) };
    expect(await mill.run(ops.describe, new Uint8Array(100), params)).toEqual({
      length: 100,
      shared: true,
      params,
      output: 0,
      lead: 0,
      last: true,
    });
  });

  test('is given no bytes when the caller gives none', async () => {
    expect((await mill.run(ops.describe)).length).toBe(0);
    expect((await mill.run(ops.describe, new Uint8Array(0))).length).toBe(0);
    expect(await mill.run(ops.sum)).toBe(0);
  });

  test('reads a slice where it lies and leaves it to the caller', async () => {
    using slice = sliceOf(Buffer.from('abc'));
    expect(await mill.run(ops.sum, slice)).toBe(294);
    expect(slice.live).toBe(true);
  });
});

describe('an op that works in place', () => {
  test.each([ops.invert, ops.invertLater])('changes a copy of bytes ($name)', async (op) => {
    const input = new Uint8Array([0, 1, 254, 255]);
    const result = await mill.run(op, input);
    expect([...result]).toEqual([255, 254, 1, 0]);
    expect([...input]).toEqual([0, 1, 254, 255]);
    expect(result.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test.each([ops.invert, ops.invertLater])('changes a slice itself ($name)', async (op) => {
    using slice = sliceOf(new Uint8Array([0, 1, 254, 255]));
    const { leased } = mill.stats().slices;
    expect(await mill.run(op, slice)).toBe(slice);
    expect([...slice.bytes]).toEqual([255, 254, 1, 0]);
    // No copy: nothing else was leased for it.
    expect(mill.stats().slices.leased).toBe(leased);
  });

  test('changes the bytes of the slice and none beside them', async () => {
    using slice = mill.buffers.acquire(10);
    const slot = mill.buffers.viewOf(slice.ref, 12);
    slot.set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    await mill.run(ops.invert, slice);
    expect([...slot]).toEqual([255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 10, 11]);
  });

  test('gives empty bytes for empty bytes', async () => {
    expect(await mill.run(ops.invert, new Uint8Array(0))).toEqual(new Uint8Array(0));
  });

  test('changes a slice of any size', async () => {
    for (const bytes of [1, 4096, 4097, 100_000, LARGEST]) {
      const input = noise(bytes);
      using slice = sliceOf(input);
      await mill.run(ops.invert, slice);
      await mill.run(ops.invert, slice);
      expect(Buffer.compare(slice.bytes, input)).toBe(0);
    }
  });
});

describe('an op that writes an output', () => {
  test.each([ops.double, ops.doubleLater])('gives what it wrote ($name)', async (op) => {
    expect(Buffer.from(await mill.run(op, Buffer.from('mill'))).toString()).toBe('mmiillll');
  });

  test('takes a slice and leaves it as it was', async () => {
    using slice = sliceOf(Buffer.from('ab'));
    expect(Buffer.from(await mill.run(ops.double, slice)).toString()).toBe('aabb');
    expect(Buffer.from(slice.bytes).toString()).toBe('ab');
  });

  test('may write nothing', async () => {
    expect(await mill.run(ops.double, new Uint8Array(0))).toEqual(new Uint8Array(0));
    expect(await mill.run(ops.claim, new Uint8Array(1), { written: 0 })).toEqual(new Uint8Array(0));
  });

  test('has room for as much output as a slice can hold, and not for more', async () => {
    const { largest } = mill.buffers;
    const output = await mill.run(ops.double, Buffer.alloc(largest / 2, 9));
    expect(Buffer.alloc(largest, 9).equals(output)).toBe(true);
    expect(await codeOf(mill.run(ops.double, new Uint8Array(largest / 2 + 1)))).toBe('ERR_SIZE');
  });
});

describe('an op that says how to cut its input', () => {
  test('sees chunks in order, each with the end of the one before', async () => {
    const output = await mill.run(ops.framed, Buffer.from('abcdefghijklmnopqrstuvwxyz'), {
      head: '>>',
    });
    expect(Buffer.from(output).toString()).toBe(
      '>>|abcdefghij.ghij|klmnopqrst.qrst|uvwxyz!#97/10,107/10,117/6',
    );
  });

  test.each([
    ['', '|!#-1/0'],
    ['a', '|a!#97/1'],
    ['abcdefghij', '|abcdefghij!#97/10'],
    ['abcdefghijk', '|abcdefghij.ghij|k!#97/10,107/1'],
  ])('cuts "%s" so that the last chunk is known', async (input, output) => {
    expect(Buffer.from(await mill.run(ops.framed, Buffer.from(input))).toString()).toBe(output);
  });

  test('takes bytes of any size, and slices', async () => {
    const input = text(17 * MiB + 1);
    expect(Buffer.from(await mill.run(ops.copy, input)).equals(input)).toBe(true);
    using slice = sliceOf(input.subarray(0, BLOCK + 7));
    const fromSlice = await mill.run(gzip, slice);
    expect(Buffer.from(fromSlice).equals(await mill.run(gzip, slice.bytes))).toBe(true);
  });
});

test('a slice larger than any size class is changed in place', async () => {
  using frame = mill.buffers.acquire(1920 * 1080 * 4);
  frame.bytes.fill(0x0f);
  expect(await mill.run(ops.invert, frame)).toBe(frame);
  expect(frame.bytes.every((byte) => byte === 0xf0)).toBe(true);
});

test('bytes that no slice can hold are refused for an op that does not say how to cut them', async () => {
  for (const op of [ops.sum, ops.invert] as Op<void, unknown>[]) {
    const code = await codeOf(mill.run(op, new Uint8Array(mill.buffers.largest + 1)));
    expect(code).toBe('ERR_SIZE');
  }
});

test('the bytes are copied when the call is made: what the caller does to them later is not seen', async () => {
  const input = new Uint8Array([1, 2, 3]);
  const result = mill.run(ops.sum, input);
  input.fill(100);
  expect(await result).toBe(6);
});
