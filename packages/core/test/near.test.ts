/** Slices near others: in one arena, so that one WebAssembly kernel can address both. */
import { SIZE_CLASSES, type BufferPools, type Slice } from '@millrace/core';
import { memoryOf } from '@millrace/core/internal';
import { afterEach, expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { createTable, join, wipe } from './memory.ts';

const MiB = 1024 * 1024;
/** An arena of this memory, in slabs and in bytes. */
const SLABS = 16;
const ARENA = SLABS * 4 * MiB;
const table = createTable(3 * SLABS);

const held: Slice[] = [];
afterEach(() => {
  for (const slice of held.splice(0)) slice.release();
  expectSound(table, []);
});

/** Two threads of pools that are as new. */
function fresh(): [BufferPools, BufferPools] {
  wipe(table);
  return [join(table), join(table)];
}

function hold(slice: Slice | undefined): Slice {
  if (!slice) throw new Error('Nothing was free');
  held.push(slice);
  return slice;
}

const arenaOf = ({ ref }: Slice): number => Math.floor(ref / 1024 / SLABS);

test.each([...SIZE_CLASSES, 9 * MiB])(
  'a slice of %d bytes lies in the arena of its neighbour, whatever was used before',
  async (bytes) => {
    const [pools, others] = fresh();
    hold(pools.acquire(ARENA));
    // In arena 1, with nothing there but this; what is returned to the magazine lies in arena 2.
    const neighbour = hold(pools.acquire(4096));
    const full = hold(pools.acquire(ARENA - 4 * MiB));
    expect([arenaOf(neighbour), arenaOf(full)]).toEqual([1, 1]);
    const far = Array.from({ length: 2 }, () => pools.acquire(bytes));
    expect(far.map(arenaOf).includes(2) || bytes === 4096).toBe(true);
    for (const slice of far) slice.release();
    full.release();
    held.splice(held.indexOf(full), 1);

    for (const who of [pools, others]) {
      const near = hold(who.acquire(bytes, { near: neighbour }));
      expect(arenaOf(near)).toBe(1);
      expect(memoryOf(near.bytes)).toBe(memoryOf(neighbour.bytes));
      expect(near.byteLength).toBe(bytes);
    }
    expect(arenaOf(hold(pools.tryAcquire(bytes, { near: neighbour })))).toBe(1);
    expect(arenaOf(hold(await pools.acquireAsync(bytes, { near: neighbour })))).toBe(1);
  },
);

test.each([0, 1])(
  'of 128 leases `sampled` watches one that lasts, when every other is one that was not near; after %i more',
  (more) => {
    const watchful = createTable(3 * SLABS, { safety: 'sampled' });
    const pools = join(watchful);
    pools.acquire(ARENA);
    const neighbour = pools.acquire(4096);
    const full = pools.acquire(ARENA - 4 * MiB);
    // It lies in arena 2, and is found first each time.
    const far = pools.acquire(16384);
    far.release();
    full.release();
    for (let i = 0; i < more; i++) pools.acquire(4096).release();

    const near: Slice[] = [];
    for (let i = 0; i < 256; i++) near.push(pools.acquire(16384, { near: neighbour }));
    expect(near.every((slice) => arenaOf(slice) === 1)).toBe(true);
    expect(pools.stats().slices.leased).toBe(4 + more + 512);
    expect(near.filter(({ watch }) => watch).length).toBe(4);
    // A watched slice that is forgotten would be told of, at any moment and whatever runs then.
    for (const slice of [neighbour, ...near]) slice.release();
  },
);

test('where the neighbour has no room, a slice lies anywhere', () => {
  const [pools] = fresh();
  const full = hold(pools.acquire(ARENA));
  expect(arenaOf(full)).toBe(0);
  expect(arenaOf(hold(pools.acquire(4096, { near: full })))).toBe(1);
  expect(arenaOf(hold(pools.acquire(10 * MiB, { near: full })))).toBe(1);
});

test("what lies in others' magazines is taken before a neighbour is left", () => {
  const [pools, others] = fresh();
  const bytes = 256 * 1024;
  const whole = Array.from({ length: ARENA / bytes }, () => hold(others.acquire(bytes)));
  expect(whole.every((slice) => arenaOf(slice) === 0)).toBe(true);
  const [neighbour] = whole;
  // All of arena 0 is lent but for this, which goes to the magazine of its thread.
  held.pop()!.release();
  expect(arenaOf(hold(pools.acquire(bytes, { near: neighbour! })))).toBe(0);
  expect(arenaOf(hold(pools.acquire(bytes, { near: neighbour! })))).toBe(1);
});

test('a slice in passing is no lease that lasts', () => {
  const [pools] = fresh();
  hold(pools.acquire(ARENA));
  const neighbour = hold(pools.acquire(4096));
  const before = pools.stats().slices;
  hold(pools.acquire(64 * 1024, { near: neighbour }));
  const after = pools.stats().slices;
  expect(after.live).toBe(before.live + 1);
  expect(after.leased - after.returned).toBe(before.leased - before.returned + 1);
});

test('watched slices lie near others, and are watched', () => {
  const guarded = createTable(2 * SLABS, { safety: 'full' });
  const pools = join(guarded);
  const whole = pools.acquire(4 * MiB * SLABS);
  using neighbour = pools.acquire(4096);
  whole.release();
  expect(arenaOf(neighbour)).toBe(1);
  using near = pools.acquire(100, { near: neighbour });
  expect(arenaOf(near)).toBe(1);
  near.bytes.fill(1);
  const watched = pools.leaks(0).map(({ byteLength }) => byteLength);
  expect(new Set(watched)).toEqual(new Set([100, 4096]));
});
