/** A thread may die between any two instructions. Here it dies in every gap between two atomic operations. */
import type { BufferPools, Slice } from '@millrace/core';
import { LIVE, holderOf, stateOf } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { expectSound, slotsOf } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, wipe } from './memory.ts';
import { dyingAtEveryGap } from './steps.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const table = createTable(4);

function releaseAll(slices: Slice[]): void {
  for (const slice of slices.splice(0)) slice.release();
}

const lives: [what: string, live: (pools: BufferPools) => void][] = [
  ['leases its first slice', (pools) => void pools.acquire(MiB)],
  [
    'leases and releases from its magazine',
    (pools) => {
      for (let i = 0; i < 3; i++) pools.acquire(256 * KiB).release();
    },
  ],
  [
    'leases from its magazine, lets go, and leases what another class had',
    (pools) => {
      const slices = Array.from({ length: 2 }, () => pools.acquire(4 * MiB));
      releaseAll(slices);
      for (let i = 0; i < 5; i++) slices.push(pools.acquire(MiB));
    },
  ],
  [
    'fills a magazine, over and over',
    (pools) => releaseAll(Array.from({ length: 6 }, () => pools.acquire(256 * KiB))),
  ],
  [
    'gives what it can spare back',
    (pools) => {
      releaseAll(Array.from({ length: 3 }, () => pools.acquire(256 * KiB)));
      pools.trim();
    },
  ],
  [
    'opens one slab after another',
    (pools) => {
      for (let i = 0; i < 10; i++) pools.acquire(MiB);
    },
  ],
  [
    'gives slots back to the free list',
    (pools) => releaseAll(Array.from({ length: 10 }, () => pools.acquire(MiB))),
  ],
  [
    'leases until all memory is lent, and releases it',
    (pools) => releaseAll(leaseEverything(pools)),
  ],
];

test.each(lives)('nothing is lost when a thread dies at any step while it %s', (_, live) => {
  const gaps = dyingAtEveryGap((mortal) => {
    wipe(table);
    const living = join(table);
    const mine = [living.acquire(MiB), living.acquire(100 * KiB)];
    const dying = join(table);
    mortal(() => live(dying));

    const held = slotsOf(table).filter(({ word }) => holderOf(word) === dying.thread);
    const leases = held.filter(({ word }) => stateOf(word) === LIVE).length;
    expect(living.sweep(dying.thread, OWNER)).toBe(leases);
    expectSound(
      table,
      mine.map(({ ref }) => ref),
    );
    const { leased, returned, swept, live: lasting } = living.stats().slices;
    expect({ swept, live: lasting }).toEqual({ swept: leases, live: mine.length });
    expect(leased).toBe(returned + swept + lasting);

    releaseAll(mine);
    expect(living.stats().slices.live).toBe(0);
    expect(bytesIn(leaseEverything(living))).toBe(living.stats().memoryBytes);
  });
  expect(gaps).toBeGreaterThan(10);
});
