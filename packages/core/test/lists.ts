/** A free list for tests, and what must hold of it when nobody works on it. */
import type { ThreadId } from '@millrace/core';
import {
  CACHED,
  FREE,
  FreeList,
  holderOf,
  stateOf,
  type SlabTable,
  type SlotRef,
} from '@millrace/core/internal';
import { expect } from 'vitest';
import { hasBit, slotsOf } from './audit.ts';
import { wipe } from './memory.ts';

/** The list of one class, with `slabs` slabs open, on memory that was wiped. */
export function openList(table: SlabTable, sizeClass: number, slabs = 1): FreeList {
  wipe(table);
  const list = listOf(table, sizeClass);
  for (let i = 0; i < slabs; i++) list.open(table.claim(sizeClass)!);
  return list;
}

/** The list as another thread sees it: each has an object of its own over the same words. */
export function listOf(table: SlabTable, sizeClass: number): FreeList {
  return new FreeList(table.words, table.layout, sizeClass);
}

export function take(list: FreeList, thread: ThreadId, want: number): SlotRef[] {
  const refs: SlotRef[] = [];
  expect(list.take(thread, want, (ref) => refs.push(ref))).toBe(refs.length);
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
    if (!holder) expect(hasBit(table, ref), `slot ${ref} is FREE and its bit is set`).toBe(true);
  }
}
