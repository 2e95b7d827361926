/** A lease that goes from thread to thread: one holds it at any time, and a death on the way loses nothing. */
import type { BufferPools } from '@millrace/core';
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

test('who adopts a slice has its bytes and releases it; who gave it has nothing to do with it', () => {
  const [a, b] = fresh();
  const slice = a.acquire(5000);
  slice.bytes.fill(3);
  const handle = slice.handOver();
  expect(slice.live).toBe(false);
  for (const deed of [() => slice.bytes, () => slice.release(), () => slice.handOver()]) {
    expect(codeOf(deed)).toBe('ERR_SLICE_STALE');
  }
  const adopted = b.adopt(structuredClone(handle));
  expect([adopted.byteLength, adopted.bytes[4999], adopted.live]).toEqual([5000, 3, true]);
  expectSound(table, [slice.ref]);
  adopted.release();
  expectSound(table, []);
  expect(a.stats().slices).toEqual({ leased: 1, returned: 1, swept: 0, live: 0 });
});

test('a handle can be adopted once, by whoever is first, also by who gave it', () => {
  const [a, b] = fresh();
  const handle = a.acquire(1).handOver();
  const back = a.adopt(handle);
  for (const pools of [a, b]) expect(codeOf(() => pools.adopt(handle))).toBe('ERR_SLICE_STALE');
  expect(back.live).toBe(true);
  const next = b.adopt(back.handOver());
  expect(codeOf(() => a.adopt(handle))).toBe('ERR_SLICE_STALE');
  next.release();
  expect(codeOf(() => a.adopt(handle))).toBe('ERR_SLICE_STALE');
});

test('a slice that was disposed of after it was handed over stays what it is', () => {
  const [a, b] = fresh();
  let handle;
  {
    using slice = a.acquire(MiB);
    handle = slice.handOver();
  }
  expect(b.adopt(handle).live).toBe(true);
});

test('before it is adopted a slice ends with the death of who gave it, after it with the other', () => {
  const [a, b, c] = fresh();
  const lost = a.acquire(MiB).handOver();
  const kept = b.adopt(a.acquire(MiB).handOver());
  expect(c.sweep(a.thread, OWNER)).toBe(1);
  expect(codeOf(() => b.adopt(lost))).toBe('ERR_SLICE_STALE');
  expect(kept.live).toBe(true);
  expectSound(table, [kept.ref]);
  expect(c.sweep(b.thread, OWNER)).toBe(1);
  expect(kept.live).toBe(false);
  expectSound(table, []);
});

test('of two who adopt at the same moment, one does', () => {
  const gaps = atEveryGap((interrupt) => {
    const [a, b, c] = fresh();
    const handle = a.acquire(MiB).handOver();
    const outcomes: string[] = [];
    const adoptBy = (pools: BufferPools) => (): void => {
      try {
        pools.adopt(handle);
        outcomes.push('adopted');
      } catch (error) {
        outcomes.push((error as { code: string }).code);
      }
    };
    interrupt(adoptBy(b), adoptBy(c));
    if (outcomes.length === 1) adoptBy(c)();
    expect(outcomes.sort()).toEqual(['ERR_SLICE_STALE', 'adopted']);
    expectSound(table, [handle.ref]);
  });
  expect(gaps).toBeGreaterThan(1);
});

test('who dies at any step of an adoption holds it or does not; the sweeps of both return it', () => {
  const gaps = dyingAtEveryGap((mortal) => {
    const [a, b, c] = fresh();
    const handle = a.acquire(MiB).handOver();
    mortal(() => b.adopt(handle));
    const theirs = c.sweep(b.thread, OWNER);
    expectSound(table, theirs === 0 ? [handle.ref] : []);
    expect(theirs + c.sweep(a.thread, OWNER)).toBe(1);
    expectSound(table, []);
    expect(c.stats().slices.live).toBe(0);
  });
  expect(gaps).toBeGreaterThan(1);
});

test('a sweep at any step of an adoption takes the slice, or leaves it to who adopts it', () => {
  atEveryGap((interrupt) => {
    const [a, b, c] = fresh();
    const handle = a.acquire(MiB).handOver();
    let adopted = false;
    interrupt(
      () => {
        try {
          adopted = b.adopt(handle).live;
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SLICE_STALE' });
        }
      },
      () => c.sweep(a.thread, OWNER),
    );
    expectSound(table, adopted ? [handle.ref] : []);
    expect(c.stats().slices.live).toBe(adopted ? 1 : 0);
  });
});
