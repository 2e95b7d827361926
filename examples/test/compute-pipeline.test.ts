import { floatsOf, standardiseAll } from '@millrace/examples/compute-pipeline';
import { copied, squares, standardise, sum } from '@millrace/examples/standardise';
import fc from 'fast-check';
import { createMill, type Slice } from 'millrace';
import { afterAll, afterEach, expect, test } from 'vitest';
import * as model from './floats-model.ts';
import { outputOf } from './programs.ts';

const MiB = 1024 * 1024;
const mill = await createMill({ threads: 2, memory: 128 * MiB });
afterAll(() => mill.close());
afterEach(() => expect(mill.stats().slices.live).toBe(0));

function sliceOf(floats: Float32Array): Slice {
  const slice = mill.buffers.acquire(floats.byteLength);
  floatsOf(slice).set(floats);
  return slice;
}

const floats = fc.float32Array({ minLength: 1, maxLength: 300, noNaN: true });
const number = fc.double({ noNaN: true, noDefaultInfinity: true });

test('the kernel gives what plain TypeScript gives, bit for bit', async () => {
  await fc.assert(
    fc.asyncProperty(floats, number, number, async (numbers, mean, factor) => {
      using slice = sliceOf(numbers);
      expect(await mill.run(sum, slice)).toBe(model.sum(numbers));
      expect(await mill.run(squares, slice, { mean })).toBe(model.squares(numbers, mean));
      await mill.run(standardise, slice, { mean, factor });
      model.standardise(numbers, mean, factor);
      expect(floatsOf(slice)).toEqual(numbers);
    }),
  );
});

test('numbers in many slices are standardised where they lie, and none is copied', async () => {
  const slices = Array.from({ length: 80 }, () => mill.buffers.acquire(MiB));
  const before = slices.map(({ ref }) => ref);
  let seed = 1;
  for (const slice of slices) {
    floatsOf(slice).forEach((_, i, all) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      all[i] = 100 + seed / 2 ** 31;
    });
  }
  const copies = slices.map((slice) => floatsOf(slice).slice());
  const { leased } = mill.stats().slices;

  const summary = await standardiseAll(mill, slices);

  const count = (80 * MiB) / 4;
  const total = (parts: number[]): number => parts.reduce((all, part) => all + part, 0);
  const mean = total(copies.map(model.sum)) / count;
  const deviation = Math.sqrt(total(copies.map((each) => model.squares(each, mean))) / count);
  expect(summary).toMatchObject({ count, mean, deviation });
  expect(summary.meanAfter).toBeCloseTo(0, 6);
  expect(summary.deviationAfter).toBeCloseTo(1, 6);
  slices.forEach((slice, i) => {
    model.standardise(copies[i]!, mean, 1 / deviation);
    expect(Buffer.from(copies[i]!.buffer).equals(slice.bytes)).toBe(true);
  });

  expect(mill.stats().slices.leased).toBe(leased);
  expect(slices.map(({ ref }) => ref)).toEqual(before);
  // On whichever threads these run.
  for (let i = 0; i < 10; i++) expect(await mill.run(copied)).toBe(0);
  for (const slice of slices) slice.release();
});

test('the program runs as it says', async () => {
  expect(await outputOf('compute-pipeline')).toMatch(/count: 16777216,[^]*copiedBytes: 0/);
});
