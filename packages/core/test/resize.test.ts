/** Slices that change their size: in place where their slot has room, moved where it has not. */
import { SIZE_CLASSES } from '@millrace/core';
import { expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { createTable, join } from './memory.ts';
import { codeOf } from './thrown.ts';

const MiB = 1024 * 1024;

test.each(SIZE_CLASSES)('within its slot of %i bytes a slice stays where it is', (size) => {
  const table = createTable(2);
  const pools = join(table);
  const slice = pools.acquire(size);
  slice.bytes[0] = 4;
  const { ref } = slice;
  for (const bytes of [1, size - 1, size]) {
    const before = slice.bytes;
    expect(slice.resize(bytes)).toBe(slice);
    expect([slice.ref, slice.byteLength, slice.bytes.byteLength]).toEqual([ref, bytes, bytes]);
    expect(slice.bytes.byteOffset).toBe(before.byteOffset);
    expect(slice.bytes[0]).toBe(4);
  }
  expect(pools.stats().slices.leased).toBe(1);
  slice.release();
  expectSound(table, []);
});

test('beyond its slot a slice moves, with its bytes, and its former slot is free', () => {
  const table = createTable(8);
  const pools = join(table);
  const slice = pools.acquire(SIZE_CLASSES[0]!);
  slice.bytes.forEach((_, at, bytes) => (bytes[at] = at % 251));
  let length = slice.byteLength;
  for (const size of SIZE_CLASSES.slice(1)) {
    const { ref } = slice;
    slice.resize(size);
    expect(slice.ref).not.toBe(ref);
    expect(slice.bytes.byteLength).toBe(size);
    expect(slice.bytes.subarray(0, 4096).every((byte, at) => byte === at % 251)).toBe(true);
    expect(slice.bytes[length - 1]).toBe(length === 4096 ? 4095 % 251 : 77);
    slice.bytes[size - 1] = 77;
    length = size;
    expectSound(table, [slice.ref]);
    expect(pools.stats().slices.live).toBe(1);
  }
  slice.release();
  expectSound(table, []);
});

test('when there is no room to move to, the slice is as it was', () => {
  const table = createTable(1);
  const pools = join(table);
  const slice = pools.acquire(MiB);
  slice.bytes.fill(6);
  const { ref, lease } = slice;
  expect(codeOf(() => slice.resize(MiB + 1))).toBe('ERR_POOL_EXHAUSTED');
  expect([slice.ref, slice.lease, slice.byteLength, slice.live]).toEqual([ref, lease, MiB, true]);
  expect(slice.bytes.every((byte) => byte === 6)).toBe(true);
  expect(pools.stats().slices).toEqual({ leased: 1, returned: 0, swept: 0, live: 1 });
  slice.release();
  expectSound(table, []);
});

test.each([0, -1, NaN, 1.5, 4 * MiB + 1, '9', undefined])('a size of %s is refused', (bytes) => {
  const pools = join(createTable(1));
  const slice = pools.acquire(100);
  expect(codeOf(() => slice.resize(bytes as number))).toBe('ERR_SIZE');
  expect([slice.byteLength, slice.live]).toEqual([100, true]);
});

test('a slice that was released cannot be resized', () => {
  const pools = join(createTable(1));
  const slice = pools.acquire(100);
  slice.release();
  expect(codeOf(() => slice.resize(50))).toBe('ERR_SLICE_STALE');
});

test.each(['off', 'sampled', 'full'] as const)(
  'every slice begins on a page when safety is %s',
  (safety) => {
    const pools = join(createTable(24, { safety }));
    for (const size of [...SIZE_CLASSES, 5 * MiB, 9 * MiB]) {
      for (const bytes of [1, size - 1, size]) {
        const slices = [pools.acquire(bytes), pools.acquire(bytes)];
        for (const slice of slices) expect(slice.bytes.byteOffset % 4096).toBe(0);
        slices[0]!.resize(Math.max(1, bytes - 1));
        expect(slices[0]!.bytes.byteOffset % 4096).toBe(0);
        for (const slice of slices) slice.release();
      }
    }
    expect(pools.stats().slices.live).toBe(0);
  },
);
