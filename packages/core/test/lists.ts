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
  type SlotState,
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

/** The slot that the list leases; as a list for {@link expectTaken}. */
export function lease(list: FreeList): SlotRef[] {
  const refs: SlotRef[] = [];
  expect(list.lease((ref) => refs.push(ref))).toBe(refs.length === 1);
  return refs;
}

/** The slot that the list takes from others, as a list. */
export function steal(list: FreeList): SlotRef[] {
  const refs: SlotRef[] = [];
  expect(list.steal((ref) => refs.push(ref))).toBe(refs.length === 1);
  return refs;
}

/** Slots of one thread, CACHED unless another state is given. */
export type Taken = readonly [ThreadId, Iterable<SlotRef>, SlotState?];

/** Checks that these slots are held so by these threads, and that every other is FREE and in sight. */
export function expectTaken(table: SlabTable, ...taken: Taken[]): void {
  const holders = new Map<SlotRef, [SlotState, ThreadId]>();
  for (const [thread, refs, state = CACHED] of taken) {
    for (const ref of refs) {
      expect(holders.has(ref), `slot ${ref} was taken twice`).toBe(false);
      holders.set(ref, [state, thread]);
    }
  }
  for (const { ref, word } of slotsOf(table)) {
    const held = holders.get(ref);
    expect([stateOf(word), holderOf(word)]).toEqual(held ?? [FREE, 0]);
    if (!held) expect(hasBit(table, ref), `slot ${ref} is FREE and its bit clear`).toBe(false);
  }
}
