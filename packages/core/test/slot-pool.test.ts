import { SIZE_CLASSES, type ThreadId } from '@millrace/core';
import {
  ATTENTION,
  CACHED,
  CLOSING,
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
  slabOf,
  type SlotPool,
  type SlotRef,
} from '@millrace/core/internal';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expectSound, wordAt, wordOf } from './audit.ts';
import { steal } from './lists.ts';
import { createTable, roomOf, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const MiB_CLASS = 6;
const me = 1 as ThreadId;
const other = 2 as ThreadId;
const table = createTable(2);

/** Large enough that a magazine of it holds few. */
const KiB256_CLASS = 5;

function poolOf(pool: number, thread = me): SlotPool {
  return roomOf(table, thread).pools[pool]!;
}

interface Lent {
  readonly ref: SlotRef;
  readonly lease: number;
}

function tryLend(pool: SlotPool): Lent | undefined {
  return pool.lend(pool.slotBytes);
}

function lend(pool: SlotPool): Lent {
  const slice = tryLend(pool);
  expect(slice).toBeDefined();
  return slice!;
}

/** Takes a slot back while nobody waits. */
function takeBack(pool: SlotPool, { ref, lease }: Lent): void {
  expect(pool.takeBack(ref, lease), 'nobody waits').toBe(false);
}

function expectEnded(pool: SlotPool, { ref, lease }: Lent): void {
  expect(codeOf(() => pool.takeBack(ref, lease))).toBe('ERR_SLICE_STALE');
}

test('a slot that is lent is LIVE and its thread holds it; one taken back waits in the magazine', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  const { ref, lease } = lend(pool);
  expect([stateOf(lease), holderOf(lease)]).toEqual([LIVE, me]);
  expect(wordOf(table, ref)).toBe(lease);
  expect(pool.stats()).toEqual({ slotBytes: 2 ** 18, cached: 3, slots: 16, free: 12 });

  takeBack(pool, { ref, lease });
  expect([stateOf(wordOf(table, ref)), holderOf(wordOf(table, ref))]).toEqual([CACHED, me]);
  expect(generationOf(wordOf(table, ref))).toBe(generationOf(lease) + 1);
  expect(pool.stats()).toEqual({ slotBytes: 2 ** 18, cached: 4, slots: 16, free: 12 });
});

test.each([6, 7, 8, 13, 15])(
  'a slot of pool %i that is taken back is free at once, for all',
  (number) => {
    const spare = createTable(2, { reserve: SLAB_BYTES });
    const pool = roomOf(spare, me).pools[number]!;
    const slice = lend(pool);
    expect(pool.stats().cached).toBe(0);
    takeBack(pool, slice);
    expect(stateOf(wordOf(spare, slice.ref))).toBe(FREE);
    expect(pool.stats()).toMatchObject({ cached: 0, free: pool.stats().slots });
    expectSound(spare, []);
  },
);

test('the slot that was taken back last is lent first', () => {
  wipe(table);
  const pool = poolOf(0);
  const lent = [lend(pool), lend(pool), lend(pool)];
  for (const slice of lent) takeBack(pool, slice);
  const again = [lend(pool), lend(pool), lend(pool)];
  expect(again.map(({ ref }) => ref)).toEqual(lent.map(({ ref }) => ref).reverse());
});

test.each([KiB256_CLASS, MiB_CLASS])(
  'a lease in pool %i ends once; whoever ends it again is told so and harms nothing',
  (number) => {
    wipe(table);
    const pool = poolOf(number);
    const slice = lend(pool);
    takeBack(pool, slice);
    const after = table.words.slice(table.layout.magazinesAt);
    expectEnded(pool, slice);
    expectEnded(poolOf(number, other), slice);
    const now = table.words.subarray(table.layout.magazinesAt);
    expect(now.every((word, at) => word === after[at])).toBe(true);

    expect(lend(pool).ref).toBe(slice.ref);
    expectEnded(pool, slice);
    expectSound(table, [slice.ref]);
  },
);

test('a pool has every slot of the memory and then none', () => {
  wipe(table);
  const pool = poolOf(MiB_CLASS);
  const lent = Array.from({ length: 8 }, () => lend(pool));
  const refs = lent.map(({ ref }) => ref);
  expect(new Set(refs).size).toBe(8);
  expect(tryLend(pool)).toBeUndefined();
  expectSound(table, refs);
  takeBack(pool, lent[3]!);
  expect(lend(pool).ref).toBe(refs[3]);
});

test('what does not fit in the magazine can be had by others, and the rest before they go without', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  const elsewhere = poolOf(KiB256_CLASS, other);
  const lent = Array.from({ length: 32 }, () => lend(pool));
  for (const slice of lent) takeBack(pool, slice);
  expect(pool.stats().cached).toBe(4);
  expectSound(table, []);
  const theirs = new Set(Array.from({ length: 32 }, () => lend(elsewhere).ref));
  expect(theirs.size).toBe(32);
  expect(tryLend(elsewhere)).toBeUndefined();
  expect(tryLend(pool), 'what was taken out of the magazine is not lent').toBeUndefined();
  expectSound(table, theirs);
});

test('a flush gives all that is in the magazine back, but for what others have taken out of it', () => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  lend(pool);
  const [stolen] = steal(poolOf(KiB256_CLASS, other).list) as [SlotRef];
  pool.flush();
  expect(pool.stats()).toMatchObject({ cached: 0, slots: 16, free: 14 });
  expect([stateOf(wordOf(table, stolen)), holderOf(wordOf(table, stolen))]).toEqual([LIVE, other]);
});

test.each([
  ['FREE', pack(FREE, 0, 1)],
  ['LIVE with another thread', pack(LIVE, other, 1)],
  ['LIVE with its own thread', pack(LIVE, me, 1)],
  ['RETURNING', pack(RETURNING, other, 1)],
  ['SHARED', pack(SHARED, 0, 1)],
  ['CLOSING', pack(CLOSING, other, 1)],
  ['CORRUPTED', pack(CORRUPTED, 0, 1)],
  ['CACHED by another thread', pack(CACHED, other, 1)],
  ['CACHED by its own thread, but later', pack(CACHED, me, 2)],
])('a slot in the magazine that is %s is passed over, and left as it is', (_, word) => {
  wipe(table);
  const pool = poolOf(KiB256_CLASS);
  const slice = lend(pool);
  takeBack(pool, slice);
  expect(wordOf(table, slice.ref)).toBe(pack(CACHED, me, 1));
  table.words[wordAt(table, slice.ref)] = word;
  expect(lend(pool).ref).not.toBe(slice.ref);
  expect(wordOf(table, slice.ref)).toBe(word);
});

test('a slot in the magazine whose slab serves another pool by now is passed over', () => {
  wipe(table);
  const room = roomOf(table, me);
  const [before, after] = [room.pools[KiB256_CLASS]!, room.pools[KiB256_CLASS - 1]!];
  takeBack(before, lend(before));
  expect(room.life.retire(0)).toBe(true);
  const lent = [lend(after)];
  expect(slabOf(lent[0]!.ref)).toBe(0);
  expect(before.stats().cached, 'entries of what is CACHED again, by the same thread').toBe(4);
  lent.push(lend(before));
  expect(slabOf(lent[1]!.ref)).toBe(1);
  expectSound(
    table,
    lent.map(({ ref }) => ref),
  );
});

test('a slot that is taken out of the magazine while it is being lent is passed over', () => {
  let takenInTime = 0;
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    const pool = poolOf(KiB256_CLASS);
    const thief = poolOf(KiB256_CLASS, other);
    const slice = lend(pool);
    pool.flush();
    takeBack(pool, slice);
    let mine: Lent | undefined;
    let stolen: SlotRef[] = [];
    interrupt(
      () => (mine = tryLend(pool)),
      () => (stolen = steal(thief.list)),
    );
    expect(mine).toBeDefined();
    if (stolen.includes(slice.ref)) takenInTime++;
    expectSound(table, [mine!.ref, ...stolen]);
  });
  expect(takenInTime).toBeGreaterThan(0);
  expect(gaps).toBeGreaterThan(1);
});

test.each([KiB256_CLASS, MiB_CLASS])(
  'what pool %i takes back while somebody waits is free at once, for all',
  (number) => {
    wipe(table);
    const pool = poolOf(number);
    for (const bit of [1, 1 << 31]) {
      const { ref, lease } = lend(pool);
      pool.flush();
      table.words[ATTENTION] = bit;
      expect(pool.takeBack(ref, lease), 'whoever ends the lease must tell').toBe(true);
      table.words[ATTENTION] = 0;
      expect(stateOf(wordOf(table, ref))).toBe(FREE);
      expectSound(table, []);
    }
  },
);

test.each([
  [KiB256_CLASS, 'before'],
  [KiB256_CLASS, 'after'],
  [MiB_CLASS, 'before'],
  [MiB_CLASS, 'after'],
])(
  'whoever looks for the last slot of pool %i, and began that %s it was taken back, finds it or is told',
  (number, begins) => {
    const gaps = atEveryGap((interrupt) => {
      wipe(table);
      const pool = poolOf(number);
      const elsewhere = poolOf(number, other);
      const last = lend(pool);
      const theirs: SlotRef[] = [];
      for (let got = tryLend(elsewhere); got; got = tryLend(elsewhere)) theirs.push(got.ref);
      const outcome: { told?: boolean; looked?: boolean } = {};
      const end = (): void => void (outcome.told = pool.takeBack(last.ref, last.lease));
      const look = (): void => {
        Atomics.store(table.words, ATTENTION, 1 << other);
        const got = tryLend(elsewhere);
        if (got) theirs.push(got.ref);
        outcome.looked = true;
      };
      if (begins === 'before') interrupt(look, end);
      else interrupt(end, look);
      if (outcome.told === undefined) end();
      if (!outcome.looked) look();
      if (!theirs.includes(last.ref)) {
        expect(outcome.told, 'whoever did not find it').toBe(true);
        theirs.push(lend(elsewhere).ref);
      }
      expect(theirs).toContain(last.ref);
      expectSound(table, theirs);
    });
    // A release that goes to the magazine is one atomic operation: a gap before it and one after.
    expect(gaps).toBeGreaterThan(1);
  },
);

test('the pools of three threads do what one plain set of slots does', () => {
  const threads = [1, 2, 3] as ThreadId[];
  const anyStep = fc.record({
    kind: fc.constantFrom('lend', 'lend', 'lend', 'takeBack', 'takeBack', 'again', 'flush'),
    thread: fc.nat({ max: 2 }),
    n: fc.nat(),
  });
  const anyClass = fc.integer({ min: 3, max: 7 });
  fc.assert(
    fc.property(anyClass, fc.array(anyStep, { maxLength: 100 }), (sizeClass, steps) => {
      wipe(table);
      const pools = threads.map((thread) => poolOf(sizeClass, thread));
      const capacity = (table.layout.slabs * SLAB_BYTES) / SIZE_CLASSES[sizeClass]!;
      const held = new Map<SlotRef, { pool: SlotPool; lease: number }>();
      const ended: [SlotPool, Lent][] = [];
      for (const { kind, thread, n } of steps) {
        const pool = pools[thread]!;
        const [ref, holding] = [...held][n % Math.max(1, held.size)] ?? [];
        if (kind === 'lend') {
          const got = tryLend(pool);
          expect(got === undefined, 'it fails when all is lent').toBe(held.size === capacity);
          if (got === undefined) continue;
          expect(held.has(got.ref), `slot ${got.ref} was lent twice`).toBe(false);
          held.set(got.ref, { pool, lease: got.lease });
        } else if (kind === 'takeBack' && ref !== undefined) {
          takeBack(holding!.pool, { ref, lease: holding!.lease });
          held.delete(ref);
          ended.push([holding!.pool, { ref, lease: holding!.lease }]);
        } else if (kind === 'again' && ended.length > 0) {
          expectEnded(...ended[n % ended.length]!);
        } else if (kind === 'flush') {
          pool.flush();
        }
      }
      expectSound(table, held.keys());
    }),
    { numRuns: 1000 },
  );
});
