/** One slice held by several threads: it is free when the last lets go, however he does. */
import type { BufferPools, Slice, SliceHandle } from '@millrace/core';
import { expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { OWNER, createTable, join, wipe } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const MiB = 1024 * 1024;
const table = createTable(2);

function fresh(): [BufferPools, BufferPools, BufferPools] {
  wipe(table);
  return [join(table), join(table), join(table)];
}

test.each([100, MiB, 6 * MiB])(
  'all who join a slice of %i bytes read the same, the last frees it',
  (size) => {
    const [a, b, c] = fresh();
    const slice = a.acquire(size);
    slice.bytes.fill(7, 0, 100);
    const handle = slice.share();
    const parts = [slice, b.join(handle), c.join(handle)];
    expect(a.holdersOf(handle)).toEqual([a.thread, b.thread, c.thread]);
    for (const part of parts) {
      expect([part.byteLength, part.bytes[99], part.live]).toEqual([size, 7, true]);
      expectSound(table, [slice.ref]);
      part.release();
      expect(codeOf(() => part.release())).toBe('ERR_SLICE_STALE');
    }
    expectSound(table, []);
    expect(a.stats().slices).toEqual({ leased: 1, returned: 1, swept: 0, live: 0 });
  },
);

test('a slice may be shared again, and joined by one thread more than once', () => {
  const [a, b] = fresh();
  const slice = a.acquire(1);
  const handle = slice.share();
  expect(slice.share()).toEqual(handle);
  const parts = [b.join(handle), b.join(handle), a.join(handle)];
  expect(a.holdersOf(handle)).toEqual([a.thread, b.thread]);
  slice.release();
  parts[0]!.release();
  expect([parts[1]!.live, parts[2]!.live]).toEqual([true, true]);
  parts[1]!.release();
  parts[2]!.release();
  expectSound(table, []);
});

test('who comes after the last has left is refused, also when the slot is lent again', () => {
  const [a, b] = fresh();
  const slice = a.acquire(MiB);
  const handle = slice.share();
  slice.release();
  expect(codeOf(() => b.join(handle))).toBe('ERR_SLICE_STALE');
  const next = a.acquire(MiB);
  expect(next.ref).toBe(handle.ref);
  expect(codeOf(() => b.join(handle))).toBe('ERR_SLICE_STALE');
  next.share();
  expect(codeOf(() => b.join(handle))).toBe('ERR_SLICE_STALE');
  expect(b.holdersOf(next)).toEqual([a.thread]);
  next.release();
  expectSound(table, []);
});

test('a slice that is not shared cannot be joined; one that is can be neither resized nor handed over', () => {
  const [a, b] = fresh();
  const slice = a.acquire(MiB);
  const { ref, lease, byteLength } = slice;
  expect(codeOf(() => b.join({ ref, lease, byteLength }))).toBe('ERR_SLICE_STALE');
  const handle = slice.share();
  expect(codeOf(() => slice.resize(5))).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => slice.handOver())).toBe('ERR_INVALID_ARG');
  expect(codeOf(() => b.adopt(handle))).toBe('ERR_SLICE_STALE');
  expect(slice.live).toBe(true);
  slice.release();
  expectSound(table, []);
});

test.each<[what: string, handle: (good: SliceHandle) => unknown, code?: string]>([
  ['nothing', () => undefined],
  ['null', () => null],
  ['a string', () => 'handle'],
  ['no slot', (good) => ({ ...good, ref: undefined })],
  ['a slot before the first', (good) => ({ ...good, ref: -1 })],
  ['a slot behind the last', (good) => ({ ...good, ref: 2 * 1024 })],
  ['a slot of a slab that is not in use', (good) => ({ ...good, ref: 1024 }), 'ERR_SLICE_STALE'],
  ['a slot that its slab does not have', (good) => ({ ...good, ref: 4 }), 'ERR_SLICE_STALE'],
  ['half a slot', (good) => ({ ...good, ref: 0.5 })],
  ['more bytes than its slot has', (good) => ({ ...good, byteLength: MiB + 1 })],
  ['no bytes', (good) => ({ ...good, byteLength: 0 })],
  ['no lease', (good) => ({ ...good, lease: NaN })],
])('a handle of %s is refused and harms nothing', (_, spoil, code = 'ERR_BAD_HANDLE') => {
  const [a, b] = fresh();
  const slice = a.acquire(MiB);
  const handle = spoil(slice.share()) as SliceHandle;
  expect(codeOf(() => b.join(handle))).toBe(code);
  expect(codeOf(() => b.adopt(handle))).toBe(code);
  expect(b.holdersOf(slice)).toEqual([a.thread]);
  expectSound(table, [slice.ref]);
  slice.release();
});

function outcomeOf(deed: () => Slice): Slice | undefined {
  try {
    return deed();
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_SLICE_STALE' });
    return undefined;
  }
}

test.each([MiB, 6 * MiB])(
  'who joins %i bytes at any step of the last leave holds them, or is late',
  (size) => {
    let joined = 0;
    let late = 0;
    const gaps = atEveryGap((interrupt) => {
      const [a, b] = fresh();
      const slice = a.acquire(size);
      const handle = slice.share();
      let part: Slice | undefined;
      interrupt(
        () => slice.release(),
        () => (part = outcomeOf(() => b.join(handle))),
      );
      if (part) joined++;
      else late++;
      expectSound(table, part ? [slice.ref] : []);
      expect(b.stats().slices.live).toBe(part ? 1 : 0);
      if (part) expect(b.holdersOf(handle)).toEqual([b.thread]);
      part?.release();
      expectSound(table, []);
      expect(b.stats().slices).toEqual({ leased: 1, returned: 1, swept: 0, live: 0 });
    });
    expect(Math.min(joined, late)).toBeGreaterThan(1);
    expect(gaps).toBeGreaterThan(8);
  },
);

test('who leaves last at any step of a join leaves to the joiner, or makes him come late', () => {
  const gaps = atEveryGap((interrupt) => {
    const [a, b] = fresh();
    const slice = a.acquire(MiB);
    const handle = slice.share();
    let part: Slice | undefined;
    interrupt(
      () => (part = outcomeOf(() => b.join(handle))),
      () => slice.release(),
    );
    if (slice.live) slice.release();
    expectSound(table, part ? [handle.ref] : []);
    part?.release();
    expectSound(table, []);
  });
  expect(gaps).toBeGreaterThan(5);
});

test('of two who leave at the same moment, the last frees the slot, once', () => {
  atEveryGap((interrupt) => {
    const [a, b] = fresh();
    const slice = a.acquire(MiB);
    const part = b.join(slice.share());
    interrupt(
      () => slice.release(),
      () => part.release(),
    );
    if (part.live) part.release();
    expectSound(table, []);
    expect(a.stats().slices).toEqual({ leased: 1, returned: 1, swept: 0, live: 0 });
  });
});

test.each<[what: string, deed: (slice: Slice, b: BufferPools) => void]>([
  ['shares', (slice) => void slice.share()],
  ['leaves as the last', (slice) => slice.share() && slice.release()],
])('a thread that dies at any step while it %s lets go', (_, deed) => {
  dyingAtEveryGap((mortal) => {
    const [a, b, c] = fresh();
    const slice = a.acquire(MiB);
    mortal(() => deed(slice, b));
    c.sweep(a.thread, OWNER);
    expectSound(table, []);
    expect(c.stats().slices.live).toBe(0);
    const next = c.acquire(MiB);
    next.share();
    expect(c.holdersOf(next)).toEqual([c.thread]);
    next.release();
    expectSound(table, []);
  });
});

test.each([true, false])(
  'who joins after the death of who was leaving last loses nothing, swept first: %s',
  (sweptFirst) => {
    let joined = 0;
    dyingAtEveryGap((mortal) => {
      const [a, b, c] = fresh();
      const slice = a.acquire(MiB);
      const handle = slice.share();
      mortal(() => slice.release());
      const part = outcomeOf(() => b.join(handle));
      if (part) joined++;
      if (sweptFirst) c.sweep(a.thread, OWNER);
      part?.release();
      c.sweep(a.thread, OWNER);
      expectSound(table, []);
      const { leased, returned, swept, live } = c.stats().slices;
      expect({ leased, live, ended: returned + swept }).toEqual({ leased: 1, live: 0, ended: 1 });
    });
    expect(joined).toBeGreaterThan(0);
  },
);

test('a thread that dies at any step of a join lets go, and the others keep the slice', () => {
  dyingAtEveryGap((mortal) => {
    const [a, b, c] = fresh();
    const slice = a.acquire(MiB);
    const handle = slice.share();
    mortal(() => b.join(handle));
    c.sweep(b.thread, OWNER);
    expect(a.holdersOf(handle)).toEqual([a.thread]);
    expectSound(table, [slice.ref]);
    slice.release();
    expectSound(table, []);
    expect(a.stats().slices.live).toBe(0);
  });
});

test('a slice whose holders have all died is free after the last sweep', () => {
  const [a, b, c] = fresh();
  const handle = a.acquire(6 * MiB).share();
  b.join(handle);
  expect(c.sweep(a.thread, OWNER)).toBe(0);
  expectSound(table, [handle.ref]);
  expect(c.sweep(b.thread, OWNER)).toBe(1);
  expectSound(table, []);
});
