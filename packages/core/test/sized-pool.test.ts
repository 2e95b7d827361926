import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import {
  CACHED,
  CORRUPTED,
  FREE,
  LIVE,
  RETURNING,
  SHARED,
  SLAB_BYTES,
  generationOf,
  holderOf,
  pack,
  stateOf,
  type SizedBufferPool,
  type SlotRef,
  type SlotState,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RELEASED, STALE } from '../dist/pools/sized-pool.js';
import { expectSound, wordAt, wordOf } from './audit.ts';
import { createTable, roomOf, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';

const MiB_CLASS = 6;
const me = 1 as ThreadId;
const other = 2 as ThreadId;
const table = createTable(2);

/** Large enough that a magazine of it holds few. */
const KiB256_CLASS = 5;

function poolOf(pool: number, thread = me): SizedBufferPool {
  return roomOf(table, thread).pools[pool]!;
}

interface Lent {
  readonly ref: SlotRef;
  readonly lease: number;
}

function acquire(pool: SizedBufferPool): Lent {
  const ref = pool.acquire();
  expect(ref).toBeDefined();
  return { ref: ref!, lease: pool.lease };
}

test('an acquired slot is LIVE and its thread holds it; a released one waits in the magazine', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  const { ref, lease } = acquire(pool);
  expect([stateOf(lease), holderOf(lease)]).toEqual([LIVE, me]);
  expect(wordOf(table, ref)).toBe(lease);
  expect(pool.stats()).toEqual({ slotBytes: 2 ** 18, cached: 3, slots: 16, free: 12 });

  expect(pool.release(ref, lease)).toBe(RELEASED);
  expect([stateOf(wordOf(table, ref)), holderOf(wordOf(table, ref))]).toEqual([CACHED, me]);
  expect(generationOf(wordOf(table, ref))).toBe(generationOf(lease) + 1);
  expect(pool.stats()).toEqual({ slotBytes: 2 ** 18, cached: 4, slots: 16, free: 12 });
});

test.each([6, 7, 8, 13, 15])('a released slot of pool %i is free at once, for all', (number) => {
  const spare = createTable(2, { reserve: SLAB_BYTES });
  const pool = roomOf(spare, me).pools[number]!;
  const { ref, lease } = acquire(pool);
  expect(pool.stats().cached).toBe(0);
  expect(pool.release(ref, lease)).toBe(RELEASED);
  expect(stateOf(wordOf(spare, ref))).toBe(FREE);
  expect(pool.stats()).toMatchObject({ cached: 0, free: pool.stats().slots });
  expectSound(spare, []);
});

test('the slot that was released last is leased first', () => {
  wipe(table);
  const pool = poolOf(0);
  const lent = [acquire(pool), acquire(pool), acquire(pool)];
  for (const { ref, lease } of lent) pool.release(ref, lease);
  const refs = lent.map(({ ref }) => ref);
  expect([pool.acquire(), pool.acquire(), pool.acquire()]).toEqual(refs.reverse());
});

test.each([KiB256_CLASS, MiB_CLASS])(
  'a lease in pool %i ends once; a second release finds it ended and harms nothing',
  (number) => {
    wipe(table);
    const pool = poolOf(number);
    const { ref, lease } = acquire(pool);
    pool.release(ref, lease);
    const after = table.words.slice(table.layout.magazinesAt);
    expect(pool.release(ref, lease)).toBe(STALE);
    const now = table.words.subarray(table.layout.magazinesAt);
    expect(now.every((word, at) => word === after[at])).toBe(true);

    expect(pool.acquire()).toBe(ref);
    expect(pool.release(ref, lease)).toBe(STALE);
    expectSound(table, [ref]);
  },
);

test('a pool has every slot of the memory and then none', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const lent = Array.from({ length: 8 }, () => acquire(pool));
  const refs = lent.map(({ ref }) => ref);
  expect(new Set(refs).size).toBe(8);
  expect(pool.acquire()).toBeUndefined();
  expectSound(table, refs);
  pool.release(lent[3]!.ref, lent[3]!.lease);
  expect(pool.acquire()).toBe(refs[3]);
});

test('what does not fit in the magazine can be had by others, and the rest before they go without', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  const elsewhere = poolOf(KiB256_CLASS, other);
  const lent = Array.from({ length: 32 }, () => acquire(pool));
  for (const { ref, lease } of lent) pool.release(ref, lease);
  expect(pool.stats().cached).toBe(4);
  expectSound(table, []);
  const theirs = new Set(Array.from({ length: 32 }, () => acquire(elsewhere).ref));
  expect(theirs.size).toBe(32);
  expect(elsewhere.acquire()).toBeUndefined();
  expect(pool.acquire(), 'what was taken out of the magazine is not lent').toBeUndefined();
  expectSound(table, theirs);
});

test('a flush gives all that is in the magazine back, but for what others have taken out of it', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  acquire(pool);
  const stolen = poolOf(KiB256_CLASS, other).list.steal()!;
  pool.flush();
  expect(pool.stats()).toMatchObject({ cached: 0, slots: 16, free: 14 });
  expect([stateOf(wordOf(table, stolen)), holderOf(wordOf(table, stolen))]).toEqual([
    CACHED,
    other,
  ]);
});

test.each<SlotState>([FREE, LIVE, RETURNING, SHARED, CORRUPTED])(
  'a slot in the magazine whose word says state %i is passed over, and left as it is',
  (state) => {
    wipe(table);
    const pool = poolOf(KiB256_CLASS);
    const { ref, lease } = acquire(pool);
    pool.release(ref, lease);
    table.words[wordAt(table, ref)] = pack(state, other, 9);
    const next = acquire(pool);
    expect(next.ref).not.toBe(ref);
    expect(wordOf(table, ref)).toBe(pack(state, other, 9));
  },
);

test('a slot that is taken out of the magazine while it is being lent is passed over', () => {
  let takenInTime = 0;
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    const pool = poolOf(KiB256_CLASS);
    const thief = poolOf(KiB256_CLASS, other);
    const { ref, lease } = acquire(pool);
    pool.flush();
    pool.release(ref, lease);
    let mine: SlotRef | undefined;
    let stolen: SlotRef | undefined;
    interrupt(
      () => (mine = pool.acquire()),
      () => (stolen = thief.list.steal()),
    );
    expect(mine).toBeDefined();
    expect(mine).not.toBe(stolen);
    if (stolen !== undefined) takenInTime++;
  });
  expect(takenInTime).toBeGreaterThan(0);
  expect(gaps).toBeGreaterThan(1);
});

test('the pools of three threads do what one plain set of slots does', () => {
  const threads = [1, 2, 3] as ThreadId[];
  const anyStep = fc.record({
    kind: fc.constantFrom('acquire', 'acquire', 'acquire', 'release', 'release', 'again', 'flush'),
    thread: fc.nat({ max: 2 }),
    n: fc.nat(),
  });
  const anyClass = fc.integer({ min: 3, max: 7 });
  fc.assert(
    fc.property(anyClass, fc.array(anyStep, { maxLength: 100 }), (sizeClass, steps) => {
      wipe(table);
      const pools = threads.map((thread) => poolOf(sizeClass, thread));
      const capacity = (table.layout.slabs * SLAB_BYTES) / SIZE_CLASSES[sizeClass]!;
      const held = new Map<SlotRef, { pool: SizedBufferPool; lease: number }>();
      const ended: [SizedBufferPool, SlotRef, number][] = [];
      for (const { kind, thread, n } of steps) {
        const pool = pools[thread]!;
        const [ref, holding] = [...held][n % Math.max(1, held.size)] ?? [];
        if (kind === 'acquire') {
          const got = pool.acquire();
          expect(got === undefined, 'it fails when all is lent').toBe(held.size === capacity);
          if (got === undefined) continue;
          expect(held.has(got), `slot ${got} was lent twice`).toBe(false);
          held.set(got, { pool, lease: pool.lease });
        } else if (kind === 'release' && ref !== undefined) {
          expect(holding!.pool.release(ref, holding!.lease)).toBe(RELEASED);
          held.delete(ref);
          ended.push([holding!.pool, ref, holding!.lease]);
        } else if (kind === 'again' && ended.length > 0) {
          const [by, at, lease] = ended[n % ended.length]!;
          expect(by.release(at, lease)).toBe(STALE);
        } else if (kind === 'flush') {
          pool.flush();
        }
      }
      expectSound(table, held.keys());
    }),
    { numRuns: 1000 },
  );
});
