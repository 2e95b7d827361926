/** Two threads on one memory: at every step that one takes, the other does all that it wants to do. */
import type { BufferPools, Slice } from '@millrace/core';
import { expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';

const MiB = 1024 * 1024;
const table = createTable(2);

/** What a thread does; `held` is what it has leased when it begins, and afterwards what it has leased then. */
type Deed = (pools: BufferPools, held: Slice[]) => void;

const lease: Deed = (pools, held) => {
  const slice = pools.tryAcquire(MiB);
  if (slice) held.push(slice);
};
const releaseOne: Deed = (_, held) => held.pop()?.release();
const deeds: Record<string, Deed> = {
  'leases a slice': lease,
  'releases a slice': releaseOne,
  'leases all there is': (pools, held) => void held.push(...leaseEverything(pools)),
  'releases all it has': (_, held) => {
    while (held.length > 0) held.pop()!.release();
  },
  'gives back what it can spare': (pools) => void pools.trim(),
  'leases and releases by turns': (pools, held) => {
    for (let i = 0; i < 4; i++) {
      lease(pools, held);
      releaseOne(pools, held);
    }
  },
};
const pairs = Object.keys(deeds).flatMap((one) =>
  Object.keys(deeds).flatMap((other) => [0, 3].map((holding) => [one, other, holding] as const)),
);

test.each(pairs)(
  'no slice is lent twice or lost when a thread %s and another %s meanwhile, both holding %i',
  (one, other, holding) => {
    atEveryGap((interrupt) => {
      wipe(table);
      const threads = [join(table), join(table)] as const;
      const held = threads.map((pools) =>
        Array.from({ length: holding }, () => pools.acquire(MiB)),
      );
      interrupt(
        () => deeds[one]!(threads[0], held[0]!),
        () => deeds[other]!(threads[1], held[1]!),
      );
      const leased = held.flat();
      expect(new Set(leased.map(({ bytes }) => bytes.byteOffset)).size).toBe(leased.length);
      expectSound(
        table,
        leased.map(({ ref }) => ref),
      );
      expect(threads[0].stats().slices.live).toBe(leased.length);

      threads[1].sweep(threads[0].thread, OWNER);
      for (const slice of held[1]!) slice.release();
      expect(bytesIn(leaseEverything(threads[1]))).toBe(2 * 4 * MiB);
    });
  },
);

test('the last slab serves each of two threads that want it at the same moment', () => {
  const oneSlab = createTable(1);
  const gaps = atEveryGap((interrupt) => {
    wipe(oneSlab);
    const threads = [join(oneSlab), join(oneSlab)] as const;
    let mine: Slice | undefined;
    interrupt(
      () => (mine = threads[0].tryAcquire(MiB)),
      () => threads[1].tryAcquire(MiB),
    );
    expect(mine?.live).toBe(true);
  });
  expect(gaps).toBeGreaterThan(10);
});

test('an id is not given out again before all that its dead thread held is back', () => {
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    const [living, dying] = [join(table), join(table)];
    for (let i = 0; i < 3; i++) dying.acquire(MiB);
    const theirs: Slice[] = [];
    interrupt(
      () => living.sweep(dying.thread, OWNER),
      () => {
        const next = join(table);
        theirs.push(next.acquire(MiB), next.acquire(MiB));
      },
    );
    expect(theirs.every((slice) => slice.live)).toBe(true);
    expectSound(
      table,
      theirs.map(({ ref }) => ref),
    );
    expect(living.stats().slices.live).toBe(theirs.length);
  });
  expect(gaps).toBeGreaterThan(30);
});

test('a thread that is swept though it lives loses its leases, and does not touch those of others', () => {
  const gaps = atEveryGap((interrupt) => {
    wipe(table);
    const [sweeper, mistaken] = [join(table), join(table)];
    const slice = mistaken.acquire(MiB);
    const theirs: Slice[] = [];
    interrupt(
      () => {
        try {
          slice.release();
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_SLICE_STALE' });
        }
      },
      () => {
        sweeper.sweep(mistaken.thread, OWNER);
        theirs.push(...leaseEverything(sweeper));
      },
    );
    expect(slice.live).toBe(false);
    expect(theirs.every((each) => each.live)).toBe(true);
  });
  expect(gaps).toBeGreaterThan(1);
});
