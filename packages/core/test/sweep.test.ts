import { BufferPools, type Slice, type ThreadId } from '@millrace/core';
import {
  CACHED,
  CLAIMED,
  CORRUPTED,
  EMPTY,
  FREE,
  LIVE,
  Magazine,
  NO_POOL,
  OPEN,
  RETIRING,
  RETURNING,
  pack,
  slabStateOf,
  slabWord,
  type SlotState,
} from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { bitmapAt, expectSound, slotsOf, wordAt, wordOf } from './audit.ts';
import {
  OWNER,
  bytesIn,
  createTable,
  join,
  leaseEverything,
  register,
  roomOf,
  wipe,
} from './memory.ts';
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

  expect(living.sweep(dying.thread, OWNER)).toBe(leases);
  expect(wordOf(table, ref)).toBe(pack(FREE, 0, 8));
  expectSound(table, []);

  expect(living.sweep(dying.thread, OWNER)).toBe(0);
  expect(wordOf(table, ref)).toBe(pack(FREE, 0, 8));
});

test('a slot that was found damaged is left alone', () => {
  const { living, dying } = start();
  const at = wordAt(table, dying.acquire(4 * MiB).ref);
  table.words[at] = pack(CORRUPTED, 0, 7);
  living.sweep(dying.thread, OWNER);
  expect(table.words[at]).toBe(pack(CORRUPTED, 0, 7));
});

test('what a thread has leased and cached in every class comes back when it dies', () => {
  const memory = createTable(16);
  const [living, dying] = [join(memory), join(memory)];
  const sizes = [4096, 16384, 32768, 65536, 131072, 262144, MiB, 4 * MiB];
  for (const bytes of sizes) {
    dying.acquire(bytes).release();
    dying.acquire(bytes);
  }
  expect(living.sweep(dying.thread, OWNER)).toBe(sizes.length);
  expectSound(memory, []);
  expect(bytesIn(leaseEverything(living))).toBe(16 * 4 * MiB);
});

test('the slots of threads that live are untouched, down to the last bit', () => {
  const { living, dying } = start();
  const mine = lease(living, 3);
  const theirs = lease(dying, 3);
  for (const slice of mine) slice.bytes.fill(0xa5);
  const before = wordsOf(mine);
  expect(living.sweep(dying.thread, OWNER)).toBe(3);
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

test('bits that a dead thread set, and claimed no slot for, are cleared again', () => {
  const { living, dying } = start();
  dying.acquire(65536).release();
  const first = bitmapAt(table, slotsOf(table)[0]!.ref);
  Atomics.store(table.words, first, -1);
  Atomics.store(table.words, first + 1, -1);

  expect(living.sweep(dying.thread, OWNER)).toBe(0);
  expectSound(table, []);
  expect(bytesIn(leaseEverything(living))).toBe(8 * MiB);
});

test('a slab that a dead thread was about to retire, or to make part of a run, serves again', () => {
  const { living, dying } = start();
  const { life } = roomOf(table, dying.thread);
  dying.acquire(MiB).release();
  const word = table.slabWord(0);
  const at = table.layout.slabsAt;
  for (const state of [RETIRING, CLAIMED] as const) {
    const pool = state === CLAIMED ? NO_POOL : MiB_CLASS;
    table.words[at] = slabWord(word, state, pool, dying.thread);
    life.sweep(0, living.thread);
    expect(slabStateOf(table.slabWord(0)), 'only its holder is swept').toBe(state);
    life.sweep(0, dying.thread);
    expect(slabStateOf(table.slabWord(0))).toBe(state === CLAIMED ? EMPTY : OPEN);
  }
  expect(living.sweep(dying.thread, OWNER)).toBe(0);
  expectSound(table, []);
  expect(bytesIn(leaseEverything(living))).toBe(8 * MiB);
});

test('the next thread of that id begins with empty magazines and may lease', () => {
  const { living, dying } = start();
  dying.acquire(MiB / 4).release();
  const magazine = new Magazine(table.words, table.layout, dying.thread, 5);
  expect(magazine.count).toBeGreaterThan(0);
  living.sweep(dying.thread, OWNER);
  const next = join(table);
  expect(next.thread).toBe(dying.thread);
  expect(magazine.count).toBe(0);
  const slices = lease(next, 8);
  expect(new Set(slices.map(({ ref }) => ref)).size).toBe(8);
});

test('slices from before a death stay stale for the next thread of that id', () => {
  const { living, dying } = start();
  const [old] = lease(dying, 1) as [Slice];
  living.sweep(dying.thread, OWNER);
  const next = join(table);
  const slices = lease(next, 8);
  expect(slices.map(({ ref }) => ref)).toContain(old.ref);
  expect(old.live).toBe(false);
  expect(codeOf(() => old.release())).toBe('ERR_SLICE_STALE');
  expect(slices.every((slice) => slice.live)).toBe(true);
});

test('a thread cannot sweep itself, and goes on', () => {
  const { living } = start();
  const slice = living.acquire(1);
  expect(codeOf(() => living.sweep(living.thread, OWNER))).toBe('ERR_INVALID_ARG');
  expect([slice.live, living.registry.isAlive(living.thread)]).toEqual([true, true]);
});

test('an id that nobody has needs no sweep', () => {
  const { living, dying } = start();
  const kept = dying.acquire(1);
  expect(living.sweep(99 as ThreadId, OWNER)).toBe(0);
  expect(living.sweep(0 as ThreadId, OWNER)).toBe(0);
  expect(kept.live).toBe(true);
});

test('a thread that lives under the id of one that died keeps what it has when the other is swept', () => {
  const { living, dying } = start();
  living.sweep(dying.thread, OWNER);
  const next = living.registry.register(OWNER + 1);
  expect(next).toBe(dying.thread);
  const [slice] = lease(BufferPools.attach(table.handle, next), 1) as [Slice];
  expect(living.sweep(next, OWNER)).toBe(0);
  expect(slice.live).toBe(true);
  expect(living.sweep(next, OWNER + 1)).toBe(1);
  expect(slice.live).toBe(false);
});

test('who waits for a release is woken by a sweep', async () => {
  const { living, dying } = start();
  const wait = living.released();
  living.sweep(dying.thread, OWNER);
  await expect(wait).resolves.toBeUndefined();
});

test('the counters balance after every sweep, through many deaths', () => {
  const { living } = start();
  let swept = 0;
  for (let death = 0; death < 200; death++) {
    const dying = join(table);
    const slices = lease(dying, death % 7);
    for (const slice of slices.slice(death % 3)) slice.release();
    swept += living.sweep(dying.thread, OWNER);
    const { slices: counted } = living.stats();
    expect(counted.live).toBe(0);
    expect(counted.swept).toBe(swept);
    expect(counted.leased).toBe(counted.returned + counted.swept);
  }
  expect(swept).toBeGreaterThan(100);
});

test('nothing is lost or lent twice when another leases at any step of a sweep', () => {
  const gaps = atEveryGap((interrupt) => {
    const { living, dying } = start();
    lease(dying, 4);
    dying.tryAcquire(4 * MiB);
    const leasing = join(table);
    const theirs: Slice[] = [];
    interrupt(
      () => living.sweep(dying.thread, OWNER),
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
      () => counts.push(living.sweep(dying.thread, OWNER)),
      () => counts.push(another.sweep(dying.thread, OWNER)),
    );
    if (counts.length === 1) counts.push(another.sweep(dying.thread, OWNER));
    expect(counts.sort((a, b) => a - b)).toEqual([0, 3]);
    expectSound(table, []);
    expect(living.stats().slices).toEqual({ leased: 3, returned: 0, swept: 3, live: 0 });
    expect(register(table)).toBe(dying.thread);
  });
  expect(gaps).toBeGreaterThan(30);
});
