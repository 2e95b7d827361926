/** Memory for tests, and several threads of it within the test's own thread. */
import {
  BufferPools,
  SIZE_CLASSES,
  ThreadRegistry,
  type Slice,
  type ThreadId,
} from '@millrace/core';
import { SlabTable } from '@millrace/core/internal';

/** Room for the pools' own counters and a few more. */
const COUNTERS = 8;

export function createTable(slabs: number): SlabTable {
  return SlabTable.create(slabs, COUNTERS);
}

/** Makes the memory as it was when it was created, for the next of many trials. */
export function wipe(table: SlabTable): void {
  table.words.fill(0, table.layout.threadsAt);
}

export function register(table: SlabTable): ThreadId {
  return new ThreadRegistry(table.words, table.layout).register(0);
}

/** The pools as one more thread sees them. It runs in the test's own thread, which changes nothing. */
export function join(table: SlabTable): BufferPools {
  return BufferPools.attach(table.handle, register(table));
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
