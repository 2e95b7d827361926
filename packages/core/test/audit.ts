/**
 * The audit: reads every slot, bitmap and magazine of a memory that nobody works on, and checks what
 * must hold then. It goes by the layout alone, not by the structures that it checks.
 */
import type { ThreadId } from '@millrace/core';
import {
  CACHED,
  FREE,
  LIVE,
  LINE,
  MAX_THREADS,
  Magazine,
  SLAB_BITMAP,
  SLAB_BYTES,
  SLAB_WORDS,
  holderOf,
  slabOf,
  slotOf,
  slotRef,
  stateOf,
  type SlabTable,
  type SlotRef,
} from '@millrace/core/internal';
import { SIZE_CLASSES } from '@millrace/core';
import { expect } from 'vitest';

export interface SlotSeen {
  readonly ref: SlotRef;
  readonly sizeClass: number;
  readonly word: number;
}

/** All slots of all slabs that serve a class. */
export function slotsOf(table: SlabTable): SlotSeen[] {
  const seen: SlotSeen[] = [];
  for (let slab = 0; slab < table.layout.slabs; slab++) {
    const sizeClass = table.classOf(slab);
    if (sizeClass === undefined) continue;
    for (let slot = 0; slot < SLAB_BYTES / SIZE_CLASSES[sizeClass]!; slot++) {
      const ref = slotRef(slab, slot);
      seen.push({ ref, sizeClass, word: wordOf(table, ref) });
    }
  }
  return seen;
}

export function wordAt(table: SlabTable, ref: SlotRef): number {
  return table.layout.slotsAt + ref * LINE;
}

export function wordOf(table: SlabTable, ref: SlotRef): number {
  return table.words[wordAt(table, ref)]!;
}

/** Where the word of the bitmap lies that holds the bit of `ref`. */
export function bitmapAt(table: SlabTable, ref: SlotRef): number {
  return table.layout.slabsAt + slabOf(ref) * SLAB_WORDS + SLAB_BITMAP + (slotOf(ref) >>> 5);
}

export function hasBit(table: SlabTable, ref: SlotRef): boolean {
  return ((table.words[bitmapAt(table, ref)]! >>> (slotOf(ref) & 31)) & 1) === 1;
}

/**
 * Checks that exactly the slots `leased` are LIVE, that each FREE slot can be found through its bit, and
 * that each CACHED slot lies in its holder's magazine, once.
 */
export function expectSound(table: SlabTable, leased: Iterable<SlotRef>): void {
  const live: SlotRef[] = [];
  const outOfSight: SlotRef[] = [];
  const cached: string[] = [];
  for (const { ref, sizeClass, word } of slotsOf(table)) {
    if (stateOf(word) === LIVE) live.push(ref);
    if (stateOf(word) === FREE && !hasBit(table, ref)) outOfSight.push(ref);
    if (stateOf(word) === CACHED) cached.push(entry(holderOf(word), sizeClass, ref));
  }
  expect(outOfSight, 'FREE slots whose bit is not set').toEqual([]);
  expect(live.sort(byNumber), 'LIVE slots').toEqual([...leased].sort(byNumber));
  expect(cached.sort(), 'CACHED slots').toEqual(magazineEntries(table).sort());
}

function magazineEntries(table: SlabTable): string[] {
  const entries: string[] = [];
  for (let thread = 1; thread < MAX_THREADS; thread++) {
    for (let sizeClass = 0; sizeClass < SIZE_CLASSES.length; sizeClass++) {
      const magazine = new Magazine(table.words, table.layout, thread as ThreadId, sizeClass);
      const refs: SlotRef[] = [];
      for (let ref = magazine.pop(); ref !== undefined; ref = magazine.pop()) refs.push(ref);
      for (const ref of refs.reverse()) {
        magazine.push(ref);
        entries.push(entry(thread, sizeClass, ref));
      }
    }
  }
  return entries;
}

function entry(thread: number, sizeClass: number, ref: SlotRef): string {
  return `slot ${ref} of class ${sizeClass} at thread ${thread}`;
}

function byNumber(a: number, b: number): number {
  return a - b;
}
