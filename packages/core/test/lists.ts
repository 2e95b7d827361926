/** A free list for tests, and what must hold of it when nobody works on it. */
import type { ThreadId } from '@millrace/core';
import {
  CACHED,
  FREE,
  holderOf,
  stateOf,
  type FreeList,
  type SlabTable,
  type SlotRef,
} from '@millrace/core/internal';
import { expect } from 'vitest';
import { hasBit, slotsOf } from './audit.ts';
import { roomOf, wipe } from './memory.ts';

/** The list of one pool as `thread` sees it, with `slabs` slabs open, on memory that was wiped. */
export function openList(table: SlabTable, thread: ThreadId, pool: number, slabs = 1): FreeList {
  wipe(table);
  const room = roomOf(table, thread);
  for (let i = 0; i < slabs; i++) expect(room.life.open(pool)).toBe(i);
  return room.pools[pool]!.list;
}

/** The list as another thread sees it: each has an object of its own over the same words. */
export function listOf(table: SlabTable, thread: ThreadId, pool: number): FreeList {
  return roomOf(table, thread).pools[pool]!.list;
}

export function take(list: FreeList, want: number): SlotRef[] {
  const refs: SlotRef[] = [];
  expect(list.take(want, (ref) => refs.push(ref))).toBe(refs.length);
  return refs;
}

/** Checks that these slots are CACHED by these threads, and that every other is FREE and in sight. */
export function expectTaken(table: SlabTable, ...taken: [ThreadId, Iterable<SlotRef>][]): void {
  const holders = new Map<SlotRef, ThreadId>();
  for (const [thread, refs] of taken) {
    for (const ref of refs) {
      expect(holders.has(ref), `slot ${ref} was taken twice`).toBe(false);
      holders.set(ref, thread);
    }
  }
  for (const { ref, word } of slotsOf(table)) {
    const holder = holders.get(ref);
    expect([stateOf(word), holderOf(word)]).toEqual(holder ? [CACHED, holder] : [FREE, 0]);
    if (!holder) expect(hasBit(table, ref), `slot ${ref} is FREE and its bit clear`).toBe(false);
  }
}
