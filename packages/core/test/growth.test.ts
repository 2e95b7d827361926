/** How pools grow, shrink and give arenas back; and the reserve, which only critical acquires may use. */
import { BufferPools, SIZE_CLASSES, type ArenaRenewal, type Slice } from '@millrace/core';
import { DRAINING, EMPTY, OPEN } from '@millrace/core/internal';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { TICK } from '../dist/memory/layout.js';
import { expectSound, slabStates } from './audit.ts';
import { OWNER, createTable, join, register, roomOf } from './memory.ts';
import { codeOf } from './thrown.ts';
import { changed, resultOf, sharedWords, startThread } from './threads.ts';

const MiB = 1024 * 1024;
const SLAB_BYTES = 4 * MiB;
const MiB_CLASS = 6;

function lease(pools: BufferPools, count: number, bytes = MiB): Slice[] {
  return Array.from({ length: count }, () => pools.acquire(bytes));
}

function releaseAll(slices: Slice[]): void {
  for (const slice of slices.splice(0)) slice.release();
}

test.each([
  [1, [1, 2, 3, 4, 5]],
  [1.25, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 18]],
  [1.5, [1, 2, 3, 4, 6, 9, 13, 18]],
  [2, [1, 2, 4, 8, 16, 18]],
  [8, [1, 8, 18]],
])('with a growth factor of %d a class grows to %j slabs', (growthFactor, steps) => {
  const table = createTable(18, { growthFactor });
  const pools = join(table);
  const { life } = roomOf(table, pools.thread);
  for (const slabs of steps) {
    while (life.count(MiB_CLASS) < slabs) {
      const before = life.count(MiB_CLASS);
      pools.acquire(MiB);
      expect([before, slabs]).toContain(life.count(MiB_CLASS));
    }
    const lent = pools.stats().slices.live;
    lease(pools, slabs * 4 - lent);
    expect(life.count(MiB_CLASS), 'it grows when the last slot is lent, no sooner').toBe(slabs);
  }
});

test('no class takes more bytes than one may, however much is free', () => {
  const table = createTable(6, { maxBytesPerClass: 2 * SLAB_BYTES, growthFactor: 8 });
  const pools = join(table);
  const slices = lease(pools, 8);
  expect(codeOf(() => pools.acquire(MiB))).toBe('ERR_POOL_EXHAUSTED');
  expect(slabStates(table)).toEqual([OPEN, OPEN, EMPTY, EMPTY, EMPTY, EMPTY]);
  lease(pools, 2, SLAB_BYTES);
  expect(pools.tryAcquire(SLAB_BYTES)).toBeUndefined();
  slices.pop()!.release();
  expect(pools.acquire(MiB).live).toBe(true);
});

test.each([
  [0, 2],
  [0.5, 4],
  [0.6, 5],
  [0.75, 8],
  [1, 8],
])(
  'with a shrink threshold of %d and 8 of 32 slots lent a trim leaves %i of 8 slabs',
  (shrinkThreshold, left) => {
    const table = createTable(8, { shrinkThreshold });
    const pools = join(table);
    const slices = lease(pools, 32);
    const kept = slices.splice(0, 8);
    releaseAll(slices);
    expect(pools.trim()).toEqual({ slabs: 8 - left, arenas: 0 });
    expect(pools.trim()).toEqual({ slabs: 0, arenas: 0 });
    expect(slabStates(table)).toEqual(
      Array.from({ length: 8 }, (_, slab) => (slab < left ? OPEN : EMPTY)),
    );
    expectSound(
      table,
      kept.map(({ ref }) => ref),
    );
  },
);

test('slabs in which something is lent stay, wherever it lies, and so does what a class needs', () => {
  const table = createTable(4, { shrinkThreshold: 0 });
  const pools = join(table);
  const slices = lease(pools, 16);
  const kept = [slices[1]!, slices[13]!];
  releaseAll(slices.filter((slice) => !kept.includes(slice)));
  expect(pools.trim().slabs).toBe(2);
  expect(slabStates(table)).toEqual([OPEN, EMPTY, EMPTY, OPEN]);
  for (const slice of kept) expect(slice.live).toBe(true);
});

test('slabs that are older than they may be are lent no more, and given back when they are idle', () => {
  const table = createTable(3, { maxAgeMs: 50, shrinkThreshold: 1 });
  const pools = join(table);
  const slice = pools.acquire(MiB);
  const idle = pools.acquire(SLAB_BYTES);
  idle.release();
  expect(pools.trim().slabs).toBe(0);
  Atomics.add(table.words, TICK, 1000);
  expect(pools.trim().slabs).toBe(1);
  expect(slabStates(table)).toEqual([DRAINING, EMPTY, EMPTY]);
  const next = pools.acquire(MiB);
  expect(next.ref >>> 10).not.toBe(0);
  slice.release();
  expect(pools.trim().slabs).toBe(1);
  expect(slabStates(table)).toEqual([EMPTY, OPEN, EMPTY]);
  expectSound(table, [next.ref]);
});

test('only critical acquires may use the reserve, and only when all else is lent', () => {
  const table = createTable(3, { reserve: SLAB_BYTES });
  const pools = join(table);
  const critical = { priority: 'critical' } as const;
  const slices = [pools.acquire(SLAB_BYTES, critical), pools.acquire(SLAB_BYTES, critical)];
  expect(new Set(slices.map(({ ref }) => ref >>> 10))).toEqual(new Set([0, 1]));
  expect(pools.tryAcquire(MiB)).toBeUndefined();
  expect(pools.tryAcquire(MiB, { priority: 'normal' })).toBeUndefined();
  const reserved = lease(pools, 0);
  for (let i = 0; i < 4; i++) reserved.push(pools.acquire(MiB, critical));
  expect(new Set(reserved.map(({ ref }) => ref >>> 10))).toEqual(new Set([2]));
  expect(pools.tryAcquire(MiB, critical)).toBeUndefined();
  releaseAll(reserved);
  expect(pools.tryAcquire(MiB), 'what is free is the reserve').toBeUndefined();
  for (const bytes of SIZE_CLASSES) {
    using slice = pools.acquire(bytes, critical);
    expect(slice.ref >>> 10).toBe(2);
  }
  expectSound(
    table,
    slices.map(({ ref }) => ref),
  );
});

test('what a critical acquire has released is there for another thread at once', () => {
  const table = createTable(2, { reserve: SLAB_BYTES });
  const [pools, others] = [join(table), join(table)];
  const critical = { priority: 'critical' } as const;
  pools.acquire(SLAB_BYTES);
  for (const bytes of SIZE_CLASSES) {
    const slices: Slice[] = [];
    for (let s = pools.tryAcquire(bytes, critical); s; s = pools.tryAcquire(bytes, critical)) {
      slices.push(s);
    }
    expect(slices).toHaveLength(SLAB_BYTES / bytes);
    releaseAll(slices);
    others.acquire(SLAB_BYTES, critical).release();
  }
});

test('a run may reach into the reserve when it is critical', () => {
  const pools = join(createTable(4, { reserve: SLAB_BYTES }));
  expect(pools.largest).toBe(3 * SLAB_BYTES);
  const first = pools.acquire(2 * SLAB_BYTES);
  expect(pools.tryAcquire(2 * SLAB_BYTES)).toBeUndefined();
  expect(pools.acquire(2 * SLAB_BYTES, { priority: 'critical' }).ref >>> 10).toBe(2);
  expect(first.live).toBe(true);
});

test('idle arenas are dropped by the thread that tells of it, and are empty after that', () => {
  const table = createTable(18, { shrinkThreshold: 0 });
  const renewals: ArenaRenewal[] = [];
  const [pools, others] = [
    join(table, { onRenewal: (renewal) => void renewals.push(renewal) }),
    join(table),
  ];
  const slices = lease(pools, 18, SLAB_BYTES);
  for (const slice of slices) slice.bytes[9] = 1;
  const kept = slices.splice(0, 1);
  releaseAll(slices);
  expect(others.trim(), 'it has nobody to tell').toEqual({ slabs: 17, arenas: 0 });
  expect(pools.trim()).toEqual({ slabs: 0, arenas: 1 });
  expect(renewals.map(({ index, epoch }) => ({ index, epoch }))).toEqual([{ index: 1, epoch: 1 }]);
  expect(pools.stats().openBytes).toBe(16 * SLAB_BYTES);
  expect(kept[0]!.bytes[9]).toBe(1);
  expectSound(
    table,
    kept.map(({ ref }) => ref),
  );
  const all = lease(pools, 17, SLAB_BYTES);
  expect(all.find(({ ref }) => ref >>> 10 === 17)!.bytes[9]).toBe(0);
  releaseAll(all);
  releaseAll(kept);
  expect(pools.trim().arenas).toBe(2);
  expect(pools.stats().openBytes).toBe(0);
  expect(pools.trim().arenas, 'there is nothing left to drop').toBe(0);
});

test('a thread that has not been told of a renewal says so, and goes on when it has', () => {
  const table = createTable(1, { shrinkThreshold: 0 });
  const renewals: ArenaRenewal[] = [];
  const pools = join(table, { onRenewal: (renewal) => void renewals.push(renewal) });
  const { handle } = pools;
  const others = join(table);
  const late = BufferPools.attach(handle, others.thread);
  pools.acquire(SLAB_BYTES).release();
  pools.trim();
  expect(renewals).toHaveLength(1);
  expect(codeOf(() => late.acquire(SLAB_BYTES))).toBe('ERR_ARENA_UNKNOWN');
  expect(late.stats().slices.live).toBe(0);
  late.takeRenewal(renewals[0]!);
  late.takeRenewal(renewals[0]!);
  const slice = late.acquire(SLAB_BYTES);
  slice.bytes[0] = 3;
  expect(pools.viewOf(slice.ref, 1)[0]).toBe(3);
  slice.release();
  expectSound(table, []);
});

test.each<[what: string, renewal: (good: ArenaRenewal) => unknown]>([
  ['nothing', () => undefined],
  ['an arena that there is not', (good) => ({ ...good, index: 1 })],
  ['no epoch', (good) => ({ ...good, epoch: undefined })],
  ['no arena', (good) => ({ ...good, epoch: 9, arena: undefined })],
  ['the arena of a larger memory', (good) => ({ ...good, epoch: 9, arena: larger() })],
])('a renewal of %s is refused and changes nothing', (_, spoil) => {
  const pools = join(createTable(1));
  const slice = pools.acquire(1);
  const [arena] = pools.handle.arenas;
  expect(codeOf(() => pools.takeRenewal(spoil(arena!) as ArenaRenewal))).toBe('ERR_BAD_HANDLE');
  slice.bytes[0] = 1;
  slice.release();
});

function larger(): unknown {
  return join(createTable(2)).handle.arenas[0]!.arena;
}

test('a thread that never comes to its event loop learns of renewals when it meets them', async () => {
  const table = createTable(1, { shrinkThreshold: 0 });
  const { port1, port2 } = new MessageChannel();
  const pools = join(table, { onRenewal: (renewal) => port1.postMessage(renewal) });
  const steps = sharedWords(2);
  const thread = register(table);
  const worker = startThread('meetRenewals', { handle: pools.handle, thread, port: port2, steps });
  const job = resultOf(worker);
  for (let step = 1; step <= 3; step++) {
    Atomics.store(steps, 0, step);
    Atomics.notify(steps, 0);
    await Promise.race([changed(steps, 1, step - 1), job]);
    expect(pools.trim()).toEqual({ slabs: 1, arenas: 1 });
    expect(pools.stats().openBytes).toBe(0);
  }
  // Each time it found the fresh arena, not what it had written into the one before.
  expect(await job).toEqual({ seen: [0, 0, 0], fetched: 2 });
  port1.close();
  expect(pools.sweep(thread, OWNER)).toBe(0);
  expectSound(table, []);
});
