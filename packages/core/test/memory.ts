/** Memory for tests, and several threads of it within the test's own thread. */
import {
  BufferPools,
  SIZE_CLASSES,
  ThreadRegistry,
  type BufferPoolsOptions,
  type PoolHooks,
  type Slice,
  type ThreadId,
} from '@millrace/core';
import {
  LINE,
  PAGE_BYTES,
  PoolRoom,
  SLAB_BYTES,
  SlabTable,
  checked,
  fromWords,
  toWords,
} from '@millrace/core/internal';
import { WAITING_ROOM_WORDS, WaitingRoom } from '../dist/pools/waiting-room.js';

/** Room for counters of the tests' own. */
const COUNTERS = 8;

/** What the tests' threads are called by their runtime. */
export const OWNER = 0;

export function createTable(slabs: number, options: Partial<BufferPoolsOptions> = {}): SlabTable {
  const { counters, settings } = checked({
    memory: slabs * SLAB_BYTES,
    counters: COUNTERS,
    ...options,
  });
  const table = SlabTable.create({
    slabs,
    counters,
    extra: WAITING_ROOM_WORDS,
    guard: settings.safety === 'off' ? 0 : PAGE_BYTES,
    settings: toWords(settings),
  });
  WaitingRoom.init(table.words, table.layout);
  return table;
}

/** Makes the words as they were when the memory was created, for the next of many trials. */
export function wipe(table: SlabTable): void {
  const { words, layout } = table;
  words.fill(0, LINE, layout.arenasAt);
  words.fill(0, layout.threadsAt);
  WaitingRoom.init(words, layout);
}

export function register(table: SlabTable): ThreadId {
  return new ThreadRegistry(table.words, table.layout).register(OWNER);
}

/** The pools as one more thread sees them. It runs in the test's own thread, which changes nothing. */
export function join(table: SlabTable, hooks: PoolHooks = {}): BufferPools {
  return BufferPools.attach(table.handle, register(table), hooks);
}

/** The structures beneath the pools, as `thread` uses them. */
export function roomOf(table: SlabTable, thread: ThreadId): PoolRoom {
  return new PoolRoom(table, thread, fromWords(table.words));
}

/** Leases all that can be had, largest first. Together these slices take the bytes that were not lost. */
export function leaseEverything(pools: BufferPools): Slice[] {
  const slices: Slice[] = [];
  for (const bytes of SIZE_CLASSES.toReversed()) {
    for (;;) {
      const slice = pools.tryAcquire(bytes);
      if (!slice) break;
      slices.push(slice);
    }
  }
  return slices;
}

export function bytesIn(slices: readonly Slice[]): number {
  return slices.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
