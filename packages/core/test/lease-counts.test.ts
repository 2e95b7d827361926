/** How many leases began and ended is counted right, wherever threads and their sweepers die. */
import type { BufferPools, Slice } from '@millrace/core';
import { LIVE, stateOf } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { expectSound, slotsOf } from './audit.ts';
import { OWNER, createTable, join, wipe } from './memory.ts';
import { atEveryGap, dyingAtEveryGap } from './steps.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const table = createTable(3);

function fresh(count: number): BufferPools[] {
  wipe(table);
  return Array.from({ length: count }, () => join(table));
}

function expectSettled(pools: BufferPools): void {
  const { leased, returned, swept, live } = pools.stats().slices;
  expect(live, 'leases that last').toBe(0);
  expect(leased).toBe(returned + swept);
  expectSound(table, []);
}

const lives: [what: string, live: (pools: BufferPools, others: BufferPools) => void][] = [
  ['acquires from a slab', (pools) => void pools.acquire(MiB)],
  ['acquires from its magazine', (pools) => void [pools.acquire(1), pools.acquire(1)]],
  ['releases to its magazine', (pools) => pools.acquire(1).release()],
  ['releases to its slab', (pools) => pools.acquire(MiB).release()],
  ['acquires a run', (pools) => void pools.acquire(9 * MiB)],
  ['releases a run', (pools) => pools.acquire(9 * MiB).release()],
  ['moves a slice to a larger slot', (pools) => pools.acquire(1).resize(MiB).release()],
  [
    'moves a slice to a run',
    (pools) =>
      pools
        .acquire(1)
        .resize(5 * MiB)
        .release(),
  ],
  [
    'hands over and is adopted',
    (pools, others) => others.adopt(pools.acquire(1).handOver()).release(),
  ],
  ['adopts', (pools, others) => pools.adopt(others.acquire(1).handOver()).release()],
  ['shares', (pools) => void pools.acquire(1).share()],
  [
    'shares and leaves',
    (pools) => {
      const slice = pools.acquire(1);
      slice.share();
      slice.release();
    },
  ],
  [
    'joins and leaves last',
    (pools, others) => {
      const theirs = others.acquire(MiB);
      const mine = pools.join(theirs.share());
      theirs.release();
      mine.release();
    },
  ],
  [
    'joins a run and leaves last',
    (pools, others) => {
      const theirs = others.acquire(7 * MiB);
      const mine = pools.join(theirs.share());
      theirs.release();
      mine.release();
    },
  ],
];

test.each(lives)(
  'the counts are exact after the sweep of a thread that died while it %s',
  (_, live) => {
    const gaps = dyingAtEveryGap((mortal) => {
      const [dying, others, sweeper] = fresh(3) as [BufferPools, BufferPools, BufferPools];
      mortal(() => live(dying, others));
      sweeper.sweep(dying.thread, OWNER);
      // What the others still hold is theirs.
      sweeper.sweep(others.thread, OWNER);
      expectSettled(sweeper);
    }, table.words);
    expect(gaps).toBeGreaterThan(4);
  },
);

test.each(lives)(
  'a sweeper that dies while it sweeps one who %s is swept, and its sweep is finished',
  (_, live) => {
    // All places of the first death with all of the second are too many: so some of the first.
    for (const deathAt of [1, 9, 20]) {
      dyingAtEveryGap((mortal) => {
        const [dead, others, sweeper, last] = fresh(4) as [
          BufferPools,
          BufferPools,
          BufferPools,
          BufferPools,
        ];
        dieAt(deathAt, () => live(dead, others));
        mortal(() => sweeper.sweep(dead.thread, OWNER));
        last.sweep(sweeper.thread, OWNER);
        last.sweep(dead.thread, OWNER);
        last.sweep(others.thread, OWNER);
        expectSettled(last);
        expect(last.registry.stats()).toEqual({ alive: [last.thread], dead: [] });
      });
    }
  },
);

/** Runs `run` up to its gap number `gap`. */
function dieAt(gap: number, run: () => void): void {
  let trial = 0;
  try {
    dyingAtEveryGap((mortal) => {
      if (trial++ < gap) {
        mortal(() => undefined);
        throw new Reached();
      }
      mortal(run);
      throw new Reached();
    });
  } catch (error) {
    if (!(error instanceof Reached)) throw error;
  }
}

class Reached extends Error {}

test('a return that was about to be made is counted once, however often its sweep is begun', () => {
  for (let deathAt = 0; deathAt < 8; deathAt++) {
    dyingAtEveryGap((mortal) => {
      const [dead, sweeper, last] = fresh(3) as [BufferPools, BufferPools, BufferPools];
      const slice = dead.acquire(MiB);
      dieAt(deathAt, () => slice.release());
      mortal(() => sweeper.sweep(dead.thread, OWNER));
      last.sweep(sweeper.thread, OWNER);
      last.sweep(dead.thread, OWNER);
      expectSettled(last);
    });
  }
});

test('a lease that another won, and that came back by adoption, is counted once', () => {
  const small = createTable(1);
  const gaps = atEveryGap((interrupt) => {
    wipe(small);
    const [mine, theirs] = [join(small), join(small)];
    mine.acquire(256 * KiB).release();
    const won: Slice[] = [];
    interrupt(
      () => void mine.tryAcquire(256 * KiB),
      () => {
        // All that is left, out of the other's magazine, too.
        for (let s = theirs.tryAcquire(256 * KiB); s; s = theirs.tryAcquire(256 * KiB)) won.push(s);
      },
    );
    for (const slice of won) mine.adopt(slice.handOver());
    theirs.sweep(mine.thread, OWNER);
    const { leased, live, swept } = theirs.stats().slices;
    expect({ live, swept }).toEqual({ live: 0, swept: leased - 1 });
  });
  expect(gaps).toBeGreaterThan(1);
});

test('a thread that dies before it counts its lease takes one out of those returned, and none of those that last', () => {
  const outcomes = new Set<string>();
  dyingAtEveryGap((mortal) => {
    const [dying, living] = fresh(2) as [BufferPools, BufferPools];
    const kept = living.acquire(MiB);
    living.acquire(MiB).release();
    mortal(() => dying.acquire(MiB));
    const lent = slotsOf(table).filter(({ word }) => stateOf(word) === LIVE).length;
    expect(living.stats().slices.live).toBe(lent);
    living.sweep(dying.thread, OWNER);
    const { leased, returned, swept, live } = living.stats().slices;
    expect({ swept, live }).toEqual({ swept: lent - 1, live: 1 });
    outcomes.add(`${leased} leased, ${returned} returned, ${swept} swept`);
    kept.release();
    expectSettled(living);
  }, table.words);
  expect([...outcomes].sort()).toEqual([
    '2 leased, 0 returned, 1 swept',
    '2 leased, 1 returned, 0 swept',
    '3 leased, 1 returned, 1 swept',
  ]);
});

test('the counts balance at every step of another thread, within what it has in hand', () => {
  atEveryGap((interrupt) => {
    const [mine, theirs] = fresh(2) as [BufferPools, BufferPools];
    interrupt(
      () => mine.acquire(MiB).release(),
      () => expect([0, 1]).toContain(theirs.stats().slices.live),
    );
    expectSettled(mine);
  });
});
