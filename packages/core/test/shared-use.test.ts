/** Real threads that lease from the same memory. They check what they hold themselves: see thread.mjs. */
import type { BufferPools } from '@millrace/core';
import type { SlabTable } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { expectSound, slotsOf } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, register, roomOf } from './memory.ts';
import { changed, runJob, sharedWords } from './threads.ts';

const SLAB_BYTES = 4 * 1024 * 1024;

interface Tally {
  leases: number;
  exhausted: number;
  faults: number;
}

/** Lets three threads lease and release, and watches the counters until they have ended. */
async function churn(main: BufferPools, table: SlabTable, tries: number): Promise<Tally> {
  const threads = Array.from({ length: 3 }, () => register(table));
  const users = sharedWords(table.layout.slabs * 1024);
  const jobs = threads.map((thread) =>
    runJob('churn', { handle: main.handle, thread, users, seed: thread * 7919, tries, most: 24 }),
  );
  const tallies = Promise.all(jobs) as Promise<Tally[]>;
  let ended = false;
  const end = (): void => void (ended = true);
  tallies.then(end, end);
  while (!ended) {
    const { live, returned, leased } = main.stats().slices;
    expect(live, 'a count of live slices is never negative').toBeGreaterThanOrEqual(0);
    expect(leased).toBe(returned + live);
    await new Promise(setImmediate);
  }
  expect(users.every((user) => user === 0)).toBe(true);
  expectSound(table, []);
  // What their magazines hold goes back.
  for (const thread of threads) expect(main.sweep(thread, OWNER)).toBe(0);
  const sum = { leases: 0, exhausted: 0, faults: 0 };
  for (const { leases, exhausted, faults } of await tallies) {
    sum.leases += leases;
    sum.exhausted += exhausted;
    sum.faults += faults;
  }
  return sum;
}

test('three threads lease and release slices of random sizes 200,000 times and never share one', async () => {
  const slabs = 48;
  const table = createTable(slabs);
  const main = join(table);
  const { leases, faults } = await churn(main, table, 66_667);
  expect(faults).toBe(0);
  expect(leases).toBeGreaterThan(180_000);
  const counted = main.stats().slices;
  expect(counted).toEqual({ leased: leases, returned: leases, swept: 0, live: 0 });
  expect(bytesIn(leaseEverything(main))).toBe(slabs * SLAB_BYTES);
});

test('memory that is too small for three threads runs out, and nothing else happens', async () => {
  const slabs = 4;
  const table = createTable(slabs);
  const main = join(table);
  const { leases, exhausted, faults } = await churn(main, table, 20_000);
  expect(faults).toBe(0);
  expect(leases).toBeGreaterThan(100);
  expect(exhausted).toBeGreaterThan(100);
  const counted = main.stats().slices;
  expect(counted).toEqual({ leased: leases, returned: leases, swept: 0, live: 0 });
  expect(bytesIn(leaseEverything(main))).toBe(slabs * SLAB_BYTES);
});

test('two threads that share one slab never find it empty while half of it is free', async () => {
  const sizeClass = 4;
  const table = createTable(1);
  const main = join(table);
  roomOf(table, main.thread).life.open(sizeClass);
  const threads = [register(table), register(table)];
  const start = sharedWords(2);
  const jobs = threads.map((thread) =>
    runJob('fight', { handle: table.handle, thread, sizeClass, rounds: 200_000, start }),
  );
  const refused = Promise.all(jobs);
  for (let ready = 0; ready < 2; ready = Atomics.load(start, 0)) {
    await Promise.race([changed(start, 0, ready), refused]);
  }
  Atomics.store(start, 1, 1);
  Atomics.notify(start, 1);

  // A thread takes at most 8 of the 32 slots at a time.
  expect(await refused).toEqual([0, 0]);
  expect(slotsOf(table)).toHaveLength(32);
  expectSound(table, []);
});
