import type { BufferPools, Slice, ThreadId } from '@millrace/core';
import {
  CACHED,
  CORRUPTED,
  EXPIRED,
  FREE,
  LIVE,
  Magazine,
  RETURNING,
  SizedBufferPool,
  pack,
  stateOf,
  type SlotState,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { bitmapAt, expectSound, slotsOf, wordAt, wordOf } from './audit.ts';
import { bytesIn, createTable, join, leaseEverything, register, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const MiB = 1024 * 1024;
const MiB_CLASS = 6;
const table = createTable(2);

/** Two threads of a memory as it was when it was created. */
function start(): { living: BufferPools; dying: BufferPools } {
  wipe(table);
  return { living: join(table), dying: join(table) };
}

function lease(pools: BufferPools, count: number): Slice[] {
  return Array.from({ length: count }, () => pools.acquire(MiB));
}

function wordsOf(slices: readonly Slice[]): number[] {
  return slices.map(({ ref }) => wordOf(table, ref));
}

test.each<[name: string, state: SlotState, leases: number]>([
  ['CACHED', CACHED, 0],
  ['LIVE', LIVE, 1],
  ['RETURNING', RETURNING, 1],
])('a %s slot of a dead thread comes back once', (_, state, leases) => {
  const { living, dying } = start();
  const { ref } = dying.acquire(4 * MiB);
  table.words[wordAt(table, ref)] = pack(state, dying.thread, 7);

  expect(living.sweep(dying.thread)).toBe(leases);
  expect(wordOf(table, ref)).toBe(pack(FREE, 0, 8));
  expectSound(table, []);

  expect(living.sweep(dying.thread)).toBe(0);
  expect(wordOf(table, ref)).toBe(pack(FREE, 0, 8));
});

test.each<SlotState>([EXPIRED, CORRUPTED])(
  'a slot of nobody in state %i is left alone',
  (state) => {
    const { living, dying } = start();
    const at = wordAt(table, dying.acquire(4 * MiB).ref);
    table.words[at] = pack(state, 0, 7);
    living.sweep(dying.thread);
    expect(table.words[at]).toBe(pack(state, 0, 7));
  },
);

test('what a thread has leased and cached in every class comes back when it dies', () => {
  const memory = createTable(16);
  const [living, dying] = [join(memory), join(memory)];
  const sizes = [4096, 16384, 32768, 65536, 131072, 262144, MiB, 4 * MiB];
  for (const bytes of sizes) {
    dying.acquire(bytes).release();
    dying.acquire(bytes);
  }
  expect(living.sweep(dying.thread)).toBe(sizes.length);
  expectSound(memory, []);
  expect(bytesIn(leaseEverything(living))).toBe(16 * 4 * MiB);
});

test('the slots of threads that live are untouched, down to the last bit', () => {
  const { living, dying } = start();
  const mine = lease(living, 3);
  const theirs = lease(dying, 3);
  for (const slice of mine) slice.bytes.fill(0xa5);
  const before = wordsOf(mine);
  expect(living.sweep(dying.thread)).toBe(3);
  expect(wordsOf(mine)).toEqual(before);
  for (const slice of mine) {
    expect(slice.live).toBe(true);
    expect(slice.bytes.every((byte) => byte === 0xa5)).toBe(true);
  }
  expectSound(
    table,
    mine.map(({ ref }) => ref),
  );
  for (const slice of theirs) expect(codeOf(() => slice.release())).toBe('ERR_SLICE_STALE');
});

test('bits that a dead thread took out of the bitmap are set again', () => {
  const { living, dying } = start();
  dying.acquire(65536).release();
  const held = new Set(
    slotsOf(table)
      .filter(({ word }) => stateOf(word) === CACHED)
      .map(({ ref }) => ref),
  );
  const first = bitmapAt(table, slotsOf(table)[0]!.ref);
  const taken =
    Atomics.exchange(table.words, first, 0) | Atomics.exchange(table.words, first + 1, 0);
  expect(taken).not.toBe(0);
  expect(held.size).toBe(32);

  expect(living.sweep(dying.thread)).toBe(0);
  expectSound(table, []);
  expect(bytesIn(leaseEverything(living))).toBe(8 * MiB);
});

test('a slab that a dead thread had claimed but not opened is opened', () => {
  const { living, dying } = start();
  table.claim(MiB_CLASS);
  expect(living.sweep(dying.thread)).toBe(0);
  expectSound(table, []);
  expect(bytesIn(leaseEverything(living))).toBe(8 * MiB);
});

test('the next thread of that id begins with empty magazines and may lease', () => {
  const { living, dying } = start();
  for (const slice of lease(dying, 2)) slice.release();
  living.sweep(dying.thread);
  const next = join(table);
  expect(next.thread).toBe(dying.thread);
  expect(new Magazine(table.words, table.layout, next.thread, MiB_CLASS).count).toBe(0);
  const slices = lease(next, 8);
  expect(new Set(slices.map(({ ref }) => ref)).size).toBe(8);
});

test('slices from before a death stay stale for the next thread of that id', () => {
  const { living, dying } = start();
  const [old] = lease(dying, 1) as [Slice];
  living.sweep(dying.thread);
  const next = join(table);
  const slices = lease(next, 8);
  expect(slices.map(({ ref }) => ref)).toContain(old.ref);
  expect(old.live).toBe(false);
  expect(codeOf(() => old.release())).toBe('ERR_SLICE_STALE');
  expect(slices.every((slice) => slice.live)).toBe(true);
});

test('an id that nobody has needs no sweep', () => {
  const { living, dying } = start();
  const kept = dying.acquire(1);
  expect(living.sweep(99 as ThreadId)).toBe(0);
  expect(living.sweep(0 as ThreadId)).toBe(0);
  expect(kept.live).toBe(true);
});

test('who waits for a release is woken by a sweep', async () => {
  const { living, dying } = start();
  const wait = living.released();
  living.sweep(dying.thread);
  await expect(wait).resolves.toBeUndefined();
});

test('the counters balance after every sweep, through many deaths', () => {
  const { living } = start();
  let swept = 0;
  for (let death = 0; death < 200; death++) {
    const dying = join(table);
    const slices = lease(dying, death % 7);
    for (const slice of slices.slice(death % 3)) slice.release();
    swept += living.sweep(dying.thread);
    const { slices: counted } = living.stats();
    expect(counted.live).toBe(0);
    expect(counted.swept).toBe(swept);
    expect(counted.leased).toBe(counted.returned + counted.swept);
  }
  expect(swept).toBeGreaterThan(100);
});

test('a thread that dies between a lease and the count of it leaves no error in the counters', () => {
  const { living, dying } = start();
  lease(dying, 1);
  expect(new SizedBufferPool(table, MiB_CLASS, dying.thread).acquire()).toBeDefined();
  expect(living.sweep(dying.thread)).toBe(2);
  expect(living.stats().slices).toEqual({ leased: 2, returned: 0, swept: 2, live: 0 });
});

test('a thread that dies between a release and the count of it leaves no error in the counters', () => {
  const { living, dying } = start();
  const [slice] = lease(dying, 2) as [Slice];
  new SizedBufferPool(table, MiB_CLASS, dying.thread).release(slice.ref, slice.lease);
  expect(living.sweep(dying.thread)).toBe(1);
  expect(living.stats().slices).toEqual({ leased: 2, returned: 1, swept: 1, live: 0 });
});

test('nothing is lost or lent twice when another leases at any step of a sweep', () => {
  const gaps = atEveryGap((interrupt) => {
    const { living, dying } = start();
    lease(dying, 4);
    dying.tryAcquire(4 * MiB);
    const leasing = join(table);
    const theirs: Slice[] = [];
    interrupt(
      () => living.sweep(dying.thread),
      () => {
        for (let slice = leasing.tryAcquire(MiB); slice; slice = leasing.tryAcquire(MiB)) {
          theirs.push(slice);
        }
        theirs.splice(1, 1)[0]?.release();
      },
    );
    expectSound(
      table,
      theirs.map(({ ref }) => ref),
    );
    expect(living.stats().slices.live).toBe(theirs.length);
  });
  expect(gaps).toBeGreaterThan(30);
});

test('of two threads that sweep a third at the same moment, one does it', () => {
  const gaps = atEveryGap((interrupt) => {
    const { living, dying } = start();
    const another = join(table);
    lease(dying, 3);
    const counts: number[] = [];
    interrupt(
      () => counts.push(living.sweep(dying.thread)),
      () => counts.push(another.sweep(dying.thread)),
    );
    if (counts.length === 1) counts.push(another.sweep(dying.thread));
    expect(counts.sort((a, b) => a - b)).toEqual([0, 3]);
    expectSound(table, []);
    expect(living.stats().slices).toEqual({ leased: 3, returned: 0, swept: 3, live: 0 });
    expect(register(table)).toBe(dying.thread);
  });
  expect(gaps).toBeGreaterThan(30);
});
