/** Slabs that are opened, drained and retired while others take, give, steal and die at every step. */
import type { BufferPools, Slice, ThreadId } from '@millrace/core';
import {
  DRAINING,
  EMPTY,
  OPEN,
  slabPoolOf,
  slabStateOf,
  type SlotRef,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { expectSound, slabStates } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, roomOf, wipe } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const SLAB_BYTES = 4 * MiB;
const MiB_CLASS = 6;
const me = 1 as ThreadId;
const other = 2 as ThreadId;
const table = createTable(2);

function fresh(): { mine: BufferPools; theirs: BufferPools } {
  wipe(table);
  return { mine: join(table), theirs: join(table) };
}

test('a slab is opened for one pool, and then the next', () => {
  wipe(table);
  const { life } = roomOf(table, me);
  expect([life.open(6), life.open(0), life.open(6)]).toEqual([0, 1, undefined]);
  expect([table.classOf(0), table.classOf(1)]).toEqual([6, 0]);
  expect([life.count(6), life.count(0), life.count(1)]).toEqual([1, 1, 0]);
});

test('an idle slab can be retired and opened for another pool, and its word is a new one then', () => {
  wipe(table);
  const { life } = roomOf(table, me);
  life.open(MiB_CLASS);
  const before = table.slabWord(0);
  expect(life.retire(0)).toBe(true);
  expect(table.classOf(0)).toBeUndefined();
  expect(life.retire(0), 'it is EMPTY already').toBe(false);
  expect(life.open(MiB_CLASS)).toBe(0);
  expect(table.slabWord(0)).not.toBe(before);
});

test('a slab with a slot on lease is not retired; one whose slots lie in magazines is', () => {
  const { mine, theirs } = fresh();
  const { life } = roomOf(table, other);
  const slice = mine.acquire(256 * KiB);
  expect(life.retire(0)).toBe(false);
  expect(slabStateOf(table.slabWord(0))).toBe(OPEN);
  slice.release();
  expect(life.retire(0)).toBe(true);
  expectSound(table, []);
  const next = [mine.acquire(256 * KiB), theirs.acquire(MiB)];
  expectSound(
    table,
    next.map(({ ref }) => ref),
  );
});

test('a slab that drains lends nothing more, and is EMPTY when it is retired after the last came back', () => {
  const { mine, theirs } = fresh();
  const { life } = roomOf(table, me);
  const slice = mine.acquire(MiB);
  expect([life.drain(0), life.drain(0), life.drain(1)]).toEqual([true, false, false]);
  expect(life.retire(0)).toBe(false);
  expect(slabStateOf(table.slabWord(0))).toBe(DRAINING);
  expect(theirs.acquire(MiB).ref >>> 10).toBe(1);
  slice.release();
  expect(life.retire(0)).toBe(true);
  expect(slabStates(table)).toEqual([EMPTY, OPEN]);
});

test('a slab that is held back is opened by nobody until it is let go', () => {
  wipe(table);
  const { life } = roomOf(table, me);
  expect([life.reserve(0), life.reserve(0)]).toEqual([true, false]);
  expect([life.open(0), life.open(0)]).toEqual([1, undefined]);
  life.release(0);
  expect(life.open(0)).toBe(0);
});

test('two threads that open a slab at the same moment get two', () => {
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    let mine: number | undefined;
    let theirs: number | undefined;
    interrupt(
      () => (mine = roomOf(table, me).life.open(1)),
      () => (theirs = roomOf(table, other).life.open(6)),
    );
    theirs ??= roomOf(table, other).life.open(6);
    expect(new Set([mine, theirs])).toEqual(new Set([0, 1]));
    expect([table.classOf(mine!), table.classOf(theirs!)]).toEqual([1, 6]);
  });
  expect(gaps).toBeGreaterThan(3);
});

test('whoever sees the class of a slab can use its bytes, also while it is being opened', () => {
  let seen = 0;
  atEveryGap((interrupt) => {
    const small = createTable(1);
    interrupt(
      () => roomOf(small, me).life.open(7),
      () => {
        if (small.classOf(0) === undefined) return;
        seen++;
        small.viewOf(0 as never, SLAB_BYTES)[SLAB_BYTES - 1] = 1;
      },
    );
  });
  expect(seen).toBeGreaterThan(0);
});

/** What a thread does; what it has leased when it is done it leaves in `held`. */
type Deed = (pools: BufferPools, held: Slice[]) => void;

const takeAll: (bytes: number) => Deed = (bytes) => (pools, held) => {
  for (let i = 0; i < 40; i++) {
    const slice = pools.tryAcquire(bytes);
    if (!slice) return;
    held.push(slice);
  }
};
const releaseAll: Deed = (_, held) => {
  for (const slice of held.splice(0)) slice.release();
};
const retireAll: Deed = (pools) => {
  for (const slab of [0, 1]) roomOf(table, pools.thread).life.retire(slab);
};
const both =
  (...deeds: Deed[]): Deed =>
  (pools, held) =>
    deeds.forEach((deed) => deed(pools, held));

const deeds: Record<string, Deed> = {
  'takes one slot': (pools, held) => void held.push(...[pools.tryAcquire(MiB) ?? []].flat()),
  'takes one from a magazine': (pools, held) =>
    void held.push(...[pools.tryAcquire(128 * KiB) ?? []].flat()),
  'takes all slots': takeAll(MiB),
  'gives all slots back': releaseAll,
  'gives all back and shrinks': both(releaseAll, (pools) => void pools.trim()),
  'retires what it can': retireAll,
  'retires, takes for another class and keeps': both(releaseAll, retireAll, takeAll(512 * KiB)),
  'takes for another class and gives back': both(releaseAll, takeAll(100 * KiB), releaseAll),
  'makes a run': (pools, held) => void held.push(...[pools.tryAcquire(6 * MiB) ?? []].flat()),
  'makes a run and gives it back': both(
    releaseAll,
    (pools, held) => void held.push(...[pools.tryAcquire(6 * MiB) ?? []].flat()),
    releaseAll,
  ),
  'steals from a magazine': (pools) => {
    const { list } = roomOf(table, pools.thread).pools[4]!;
    const stolen: [SlotRef, number][] = [];
    list.steal((ref, lease) => stolen.push([ref, lease]));
    for (const [ref, lease] of stolen) list.give(ref, lease);
  },
};
const pairs = Object.keys(deeds).flatMap((one) =>
  Object.keys(deeds).map((two) => [one, two] as const),
);

test.each(pairs)(
  'no slot is lost or lent twice when a thread %s and another %s meanwhile',
  (one, two) => {
    for (const holding of [0, 3]) {
      atEveryGap((interrupt) => {
        const { mine, theirs } = fresh();
        const held: [Slice[], Slice[]] = [[], []];
        for (let i = 0; i < holding; i++) held[0].push(mine.acquire(i === 0 ? 128 * KiB : MiB));
        if (holding > 0) held[1].push(theirs.acquire(128 * KiB));
        interrupt(
          () => deeds[one]!(mine, held[0]),
          () => deeds[two]!(theirs, held[1]),
        );
        const leased = held.flat();
        expect(new Set(leased.map(({ bytes }) => bytes.byteOffset)).size).toBe(leased.length);
        expectSound(
          table,
          leased.map(({ ref }) => ref),
        );
        expect(mine.stats().slices.live).toBe(leased.length);
        for (const slice of leased) slice.release();
        expect(bytesIn(leaseEverything(theirs))).toBe(2 * SLAB_BYTES);
      });
    }
  },
);

test.each(Object.keys(deeds))(
  'a thread that dies at any step while it %s loses nothing',
  (deed) => {
    for (const holding of [0, 3]) {
      dyingAtEveryGap((mortal) => {
        const { mine, theirs } = fresh();
        const held: Slice[] = [];
        for (let i = 0; i < holding; i++) held.push(mine.acquire(i === 0 ? 128 * KiB : MiB));
        mortal(() => deeds[deed]!(mine, held));
        // Others go on, and change what the dead thread was at, before anybody knows.
        deeds['retires what it can']!(theirs, []);
        const kept = holding === 0 ? theirs.tryAcquire(512 * KiB) : undefined;
        theirs.sweep(mine.thread, OWNER);
        expectSound(table, kept ? [kept.ref] : []);
        expect(theirs.stats().slices.live).toBe(kept ? 1 : 0);
        kept?.release();
        for (const slab of [0, 1]) roomOf(table, other).life.retire(slab);
        expect(slabStates(table)).toEqual([EMPTY, EMPTY]);
        expect(roomOf(table, other).life.open(4)).toBe(0);
        expectSound(table, []);
        expect(bytesIn(leaseEverything(theirs))).toBe(2 * SLAB_BYTES);
      });
    }
  },
);

test('a slab that was taken from a pool is of that pool no more, whoever still looks at the old word', () => {
  const { mine, theirs } = fresh();
  mine.acquire(MiB).release();
  expect(slabPoolOf(table.slabWord(0))).toBe(MiB_CLASS);
  const [one, two] = [theirs.acquire(SLAB_BYTES), theirs.acquire(SLAB_BYTES)];
  expect(mine.tryAcquire(MiB)).toBeUndefined();
  expectSound(table, [one.ref, two.ref]);
});
