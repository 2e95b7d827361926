/** Threads that are killed while they lease and release: whatever they were at, nothing is lost. */
import type { BufferPools, ThreadId } from '@millrace/core';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { expectSound } from './audit.ts';
import { OWNER, bytesIn, createTable, join, leaseEverything, register } from './memory.ts';
import { changed, resultOf, sharedWords, startThread } from './threads.ts';

const SLAB_BYTES = 4 * 1024 * 1024;
const SLABS = 20;
const LANES = 2;
const KILLS_PER_LANE = 25;

/** Lets a thread begin its work, kills it at a moment that nobody chose, and sweeps it; how many leases it left. */
async function killOne(
  main: BufferPools,
  thread: ThreadId,
  users: Int32Array<SharedArrayBuffer>,
  seed: number,
): Promise<number> {
  const signal = sharedWords(1);
  const worker = startThread('churn', {
    handle: main.handle,
    thread,
    users,
    seed,
    tries: Infinity,
    most: 24,
    signal,
    signalAt: 1 + (seed % 2000),
  });
  const ended = resultOf(worker);
  await Promise.race([changed(signal, 0, 0), ended]);
  const exited = once(worker, 'exit');
  ended.catch(() => undefined);
  await worker.terminate();
  await exited;

  // Before the sweep: from then on its slots may be signed by others.
  for (let slot = 0; slot < users.length; slot++) Atomics.compareExchange(users, slot, thread, 0);
  return main.sweep(thread, OWNER);
}

test('50 threads are killed while they lease and release, and not one slot is lost', async () => {
  const table = createTable(SLABS);
  const main = join(table);
  const users = sharedWords(SLABS * 1024);
  let swept = 0;

  // One thread lives through it all and finds every slice that it holds untouched.
  const survivor = register(table);
  const stop = sharedWords(1);
  const survived = resultOf(
    startThread('churn', {
      handle: main.handle,
      thread: survivor,
      users,
      seed: 1,
      tries: Infinity,
      most: 12,
      stop,
    }),
  );
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let kill = 0; kill < KILLS_PER_LANE; kill++) {
      const seed = 7907 * (lane * KILLS_PER_LANE + kill + 1);
      const left = await killOne(main, register(table), users, seed);
      swept += left;
    }
  });
  await Promise.all(lanes);
  Atomics.store(stop, 0, 1);

  expect(await survived).toMatchObject({ faults: 0 });
  expect(main.sweep(survivor, OWNER)).toBe(0);
  expect(swept).toBeGreaterThan(LANES * KILLS_PER_LANE);
  expect(main.registry.stats()).toEqual({ alive: [main.thread], dead: [] });
  const { leased, returned, live } = main.stats().slices;
  expect(main.stats().slices.swept).toBe(swept);
  expect({ live, leased }).toEqual({ live: 0, leased: returned + swept });
  expectSound(table, []);
  expect(bytesIn(leaseEverything(main))).toBe(SLABS * SLAB_BYTES);
});
