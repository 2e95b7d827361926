/** Runs: slices above the largest class, made of neighbouring slabs. */
import type { BufferPools, Slice } from '@millrace/core';
import { EMPTY, OPEN, RUN, RUN_TAIL, type SlotRef } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { expectSound, slabStates } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, wipe } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const MiB = 1024 * 1024;
const SLAB_BYTES = 4 * MiB;
const table = createTable(4);

function fresh(): [BufferPools, BufferPools] {
  wipe(table);
  return [join(table), join(table)];
}

function refsOf(slices: readonly (Slice | undefined)[]): SlotRef[] {
  return slices.flatMap((slice) => (slice ? [slice.ref] : []));
}

test('a run takes as many neighbouring slabs as it needs, and gives them back', () => {
  const [pools] = fresh();
  for (const [bytes, slabs] of [
    [SLAB_BYTES + 1, 2],
    [2 * SLAB_BYTES, 2],
    [2 * SLAB_BYTES + 1, 3],
    [4 * SLAB_BYTES, 4],
  ] as const) {
    const slice = pools.acquire(bytes);
    expect(slice.bytes.byteLength).toBe(bytes);
    expect(slice.bytes.byteOffset % 4096).toBe(0);
    slice.bytes[0] = 1;
    slice.bytes[bytes - 1] = 2;
    expect(slabStates(table)).toEqual(
      [RUN, RUN_TAIL, RUN_TAIL, RUN_TAIL].map((state, slab) => (slab < slabs ? state : EMPTY)),
    );
    expectSound(table, [slice.ref]);
    slice.release();
    expect(slabStates(table)).toEqual([EMPTY, EMPTY, EMPTY, EMPTY]);
    expectSound(table, []);
  }
});

test('neighbours keep apart: two runs and a slab lie side by side', () => {
  const roomy = createTable(5);
  const pools = join(roomy);
  const slices = [pools.acquire(7 * MiB), pools.acquire(MiB), pools.acquire(8 * MiB)];
  slices.forEach((slice, n) => slice.bytes.fill(n + 1));
  slices.forEach((slice, n) => expect(slice.bytes.every((byte) => byte === n + 1)).toBe(true));
  expect(slabStates(roomy)).toEqual([RUN, RUN_TAIL, OPEN, RUN, RUN_TAIL]);
  slices[2]!.release();
  slices[0]!.release();
  expect(slabStates(roomy)).toEqual([EMPTY, EMPTY, OPEN, EMPTY, EMPTY]);
});

test('what is free in pieces only is not enough, and is left as it was', () => {
  const [pools] = fresh();
  const slabs = Array.from({ length: 4 }, () => pools.acquire(SLAB_BYTES));
  slabs[0]!.release();
  slabs[2]!.release();
  expect(pools.tryAcquire(SLAB_BYTES + 1)).toBeUndefined();
  expect(codeOf(() => pools.acquire(SLAB_BYTES + 1))).toBe('ERR_POOL_EXHAUSTED');
  expectSound(table, refsOf([slabs[1], slabs[3]]));
  slabs[1]!.release();
  const run = pools.acquire(3 * SLAB_BYTES);
  expectSound(table, refsOf([run, slabs[3]]));
});

test('idle slabs of size classes, and what lies in magazines, make room for a run', () => {
  const [pools, others] = fresh();
  const slices = [1, 5000, 70_000, 200_000].map((bytes) => others.acquire(bytes));
  expect(pools.tryAcquire(SLAB_BYTES + 1)).toBeUndefined();
  for (const slice of slices) slice.release();
  const run = pools.acquire(4 * SLAB_BYTES);
  expectSound(table, [run.ref]);
});

test('idle slabs stay as they are when they cannot make room for a run', () => {
  const [pools, others] = fresh();
  const slices = [1, 5000, 70_000, 200_000].map((bytes) => others.acquire(bytes));
  const [first, , third] = slices;
  first!.release();
  third!.release();
  const words = [0, 1, 2, 3].map((slab) => table.slabWord(slab));
  expect(pools.tryAcquire(SLAB_BYTES + 1)).toBeUndefined();
  expect([0, 1, 2, 3].map((slab) => table.slabWord(slab))).toEqual(words);
  slices[1]!.release();
  const run = pools.acquire(2 * SLAB_BYTES);
  expectSound(table, refsOf([run, slices[3]]));
  expect(table.slabWord(2), 'no more are retired than it takes').toBe(words[2]);
});

test('a run lies in one arena, and none can be longer than that', () => {
  const large = createTable(18);
  const pools = join(large);
  expect(pools.largest).toBe(64 * MiB);
  expect(codeOf(() => pools.acquire(64 * MiB + 1))).toBe('ERR_SIZE');
  const most = pools.acquire(60 * MiB);
  const next = pools.acquire(8 * MiB);
  expect([most.ref >>> 10, next.ref >>> 10]).toEqual([0, 16]);
  next.bytes.fill(1);
  expect(pools.tryAcquire(5 * MiB), 'slab 15 and nothing else is left').toBeUndefined();
  most.release();
  expect(pools.acquire(64 * MiB).ref).toBe(0);
});

test('a run that was handed over is freed by who adopted it', () => {
  const [pools, others] = fresh();
  const third = join(table);
  const run = pools.acquire(9 * MiB);
  run.bytes[9 * MiB - 1] = 5;
  const adopted = others.adopt(run.handOver());
  expect(adopted.bytes[9 * MiB - 1]).toBe(5);
  expect(third.sweep(pools.thread, OWNER), 'its first holder has nothing to do with it').toBe(0);
  expectSound(table, [adopted.ref]);
  adopted.release();
  expectSound(table, []);
  expect(slabStates(table)).toEqual([EMPTY, EMPTY, EMPTY, EMPTY]);
});

test('a slice is resized into a run and back into the same, contents kept', () => {
  const [pools] = fresh();
  const slice = pools.acquire(MiB);
  slice.bytes.fill(9);
  slice.resize(6 * MiB);
  expect(slice.bytes.subarray(0, MiB).every((byte) => byte === 9)).toBe(true);
  slice.bytes[6 * MiB - 1] = 8;
  const { ref } = slice;
  slice.resize(8 * MiB);
  expect([slice.ref, slice.bytes[6 * MiB - 1]]).toEqual([ref, 8]);
  slice.resize(100);
  expect([slice.ref, slice.byteLength, slice.bytes[99]]).toEqual([ref, 100, 9]);
  slice.release();
  expectSound(table, []);
});

const deeds: Record<string, (pools: BufferPools) => (Slice | undefined)[]> = {
  'acquires a run': (pools) => [pools.tryAcquire(7 * MiB)],
  'acquires a run of all slabs': (pools) => [pools.tryAcquire(4 * SLAB_BYTES)],
  'acquires and frees a run': (pools) => {
    pools.tryAcquire(9 * MiB)?.release();
    return [];
  },
  'acquires two runs and frees the first': (pools) => {
    const runs = [pools.tryAcquire(7 * MiB), pools.tryAcquire(7 * MiB)];
    runs.shift()?.release();
    return runs;
  },
  'acquires a slab': (pools) => [pools.tryAcquire(SLAB_BYTES)],
};
const pairs = Object.keys(deeds).flatMap((one) =>
  Object.keys(deeds).map((two) => [one, two] as const),
);

test.each(pairs)(
  'no slab is lost or in two runs when a thread %s and another %s meanwhile',
  (one, two) => {
    atEveryGap((interrupt) => {
      const [pools, others] = fresh();
      const slices: (Slice | undefined)[] = [];
      interrupt(
        () => slices.push(...deeds[one]!(pools)),
        () => slices.push(...deeds[two]!(others)),
      );
      const lent = slices.filter((slice) => slice !== undefined);
      expectSound(table, refsOf(lent));
      const ends = lent
        .map(({ bytes }) => [bytes.byteOffset, bytes.byteOffset + bytes.byteLength] as const)
        .sort((a, b) => a[0] - b[0]);
      ends.forEach(([from], n) => n > 0 && expect(from).toBeGreaterThanOrEqual(ends[n - 1]![1]));
      for (const slice of lent) slice.release();
      expectSound(table, []);
      expect(pools.stats().slices.live).toBe(0);
      others.acquire(4 * SLAB_BYTES).release();
    });
  },
);

test.each(Object.keys(deeds))(
  'a thread that dies at any step while it %s loses no slab',
  (deed) => {
    const gaps = dyingAtEveryGap((mortal) => {
      const [dying, living] = fresh();
      mortal(() => deeds[deed]!(dying));
      const before = living.tryAcquire(SLAB_BYTES);
      living.sweep(dying.thread, OWNER);
      expectSound(table, refsOf([before]));
      expect(living.stats().slices.live).toBe(before ? 1 : 0);
      before?.release();
      const all = living.acquire(4 * SLAB_BYTES);
      expectSound(table, [all.ref]);
      all.release();
      expect(bytesIn(leaseEverything(living))).toBe(4 * SLAB_BYTES);
    });
    expect(gaps).toBeGreaterThan(10);
  },
);
