import { LARGEST_CLASS_BYTES, SIZE_CLASSES } from '@millrace/core';
import { classOf } from '@millrace/core/internal';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { POOL_COUNT, classOfPool } from '../dist/memory/size-classes.js';
import { codeOf, thrownBy } from './thrown.ts';

const PAGE_BYTES = 4096;
const SLAB_BYTES = 4 * 1024 * 1024;

test('the sizes ascend, fill whole pages and divide a slab', () => {
  expect([...SIZE_CLASSES]).toEqual([...SIZE_CLASSES].sort((a, b) => a - b));
  expect(new Set(SIZE_CLASSES).size).toBe(8);
  for (const size of SIZE_CLASSES) {
    expect(size % PAGE_BYTES).toBe(0);
    expect(SLAB_BYTES % size).toBe(0);
  }
  expect(SIZE_CLASSES.at(-1)).toBe(LARGEST_CLASS_BYTES);
});

test('a single byte takes the smallest class', () => {
  expect(classOf(1)).toBe(0);
});

test.each(SIZE_CLASSES.map((size, index) => ({ size, index })))(
  '$size bytes fill their class, and one more takes the next',
  ({ size, index }) => {
    expect(classOf(size - 1)).toBe(index);
    expect(classOf(size)).toBe(index);
    if (size < LARGEST_CLASS_BYTES) expect(classOf(size + 1)).toBe(index + 1);
    else expect(codeOf(() => classOf(size + 1))).toBe('ERR_SIZE');
  },
);

test('every size takes the smallest class that holds it', () => {
  const plainSearch = (bytes: number): number => SIZE_CLASSES.findIndex((size) => size >= bytes);
  const anySize = fc.integer({ min: 1, max: LARGEST_CLASS_BYTES });
  const nearAPowerOfTwo = fc
    .tuple(fc.integer({ min: 1, max: 21 }), fc.integer({ min: -1, max: 1 }))
    .map(([bits, off]) => 2 ** bits + off);
  fc.assert(
    fc.property(fc.oneof(anySize, nearAPowerOfTwo), (bytes) => {
      expect(classOf(bytes)).toBe(plainSearch(bytes));
    }),
    { numRuns: 5000 },
  );
});

describe('a size that is not an integer from 1 to 4 MiB is refused', () => {
  const bad: unknown[] = [
    0,
    -0,
    -1,
    -4096,
    1.5,
    4096.5,
    NaN,
    Infinity,
    -Infinity,
    LARGEST_CLASS_BYTES + 1,
    2 ** 32,
    2 ** 32 + 4096,
    '4096',
    '',
    null,
    undefined,
    true,
    4096n,
    [4096],
    {},
  ];

  test.each(bad.map((size) => ({ size })))('$size', ({ size }) => {
    const error = thrownBy(() => classOf(size as number));
    expect(error.code).toBe('ERR_SIZE');
    expect(error.message).toContain(`of ${String(size)} bytes`);
  });
});

test('a pool and its twin over the reserve are of the same class', () => {
  const classes = Array.from({ length: POOL_COUNT }, (_, pool) => classOfPool(pool));
  expect(classes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
});
