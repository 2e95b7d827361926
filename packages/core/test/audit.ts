/**
 * The audit: reads every slab, slot, bitmap, seat and magazine of a memory that nobody works on, and
 * checks what must hold then. It goes by the layout alone, not by the structures that it checks.
 */
import { SIZE_CLASSES } from '@millrace/core';
import {
  CACHED,
  DRAINING,
  EMPTY,
  FREE,
  LINE,
  LIVE,
  OPEN,
  RUN,
  RUN_TAIL,
  SHARED,
  SLAB_BITMAP,
  SLAB_WORDS,
  holderOf,
  slabOf,
  slabPoolOf,
  slabStateOf,
  slotOf,
  slotRef,
  stateOf,
  type SlabTable,
  type SlotRef,
} from '@millrace/core/internal';
import { expect } from 'vitest';
import {
  MAGAZINE_CACHED,
  MAGAZINE_ENTRIES,
  MAGAZINE_WORDS,
  SEAT_WORDS,
  SLOT_SEATS,
  THREADS_HIGH,
  THREAD_INTENT,
} from '../dist/memory/layout.js';
import { POOL_COUNT } from '../dist/memory/size-classes.js';

const SLOTS_PER_SLAB = 1024;

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
    for (let slot = 0; slot < table.geometry.slots[sizeClass]!; slot++) {
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

/** Whether the bitmap says that the slot is taken. */
export function hasBit(table: SlabTable, ref: SlotRef): boolean {
  return ((table.words[bitmapAt(table, ref)]! >>> (slotOf(ref) & 31)) & 1) === 1;
}

/** The states of all slabs. */
export function slabStates(table: SlabTable): number[] {
  return Array.from({ length: table.layout.slabs }, (_, slab) => slabStateOf(table.slabWord(slab)));
}

/**
 * Checks that exactly the slots `leased` are lent, that every other slot is FREE and in sight or lies in
 * its holder's magazine, that nobody sits where nothing is shared, and that no slab is in between.
 */
export function expectSound(table: SlabTable, leased: Iterable<SlotRef>): void {
  const { slabs } = table.layout;
  const lent: SlotRef[] = [];
  const outOfSight: SlotRef[] = [];
  const strange: string[] = [];
  const inMagazines = magazineEntries(table);
  for (let slab = 0; slab < slabs; slab++) {
    const word = table.slabWord(slab);
    const state = slabStateOf(word);
    const pool = slabPoolOf(word);
    if (![EMPTY, OPEN, DRAINING, RUN, RUN_TAIL].includes(state)) {
      strange.push(`slab ${slab} in state ${state}`);
    }
    if (state === RUN_TAIL && ![RUN, RUN_TAIL].includes(slabStateOf(table.slabWord(slab - 1)))) {
      strange.push(`slab ${slab}, the end of a run without a beginning`);
    }
    const serving = state === OPEN || state === DRAINING;
    const slots = serving ? table.geometry.slots[pool & 7]! : 0;
    for (let slot = 0; slot < SLOTS_PER_SLAB; slot++) {
      const ref = slotRef(slab, slot);
      const slotWord = wordOf(table, ref);
      const slotState = stateOf(slotWord);
      const fits = slotState === FREE || slot < slots || (state === RUN && slot === 0);
      if (!fits) strange.push(`slot ${slot} in state ${slotState} of slab ${slab}, state ${state}`);
      if (slotState === LIVE || slotState === SHARED) lent.push(ref);
      else if (slotState === FREE) {
        if (slot < slots && hasBit(table, ref)) outOfSight.push(ref);
      } else if (slotState === CACHED) {
        const entry = entryOf(holderOf(slotWord), pool, ref, slotWord);
        if (!inMagazines.has(entry)) strange.push(`in no magazine: ${entry}`);
      } else strange.push(`slot ${slot} of slab ${slab} in state ${slotState}`);
      if (slotState !== SHARED && seatsIn(table, ref)) strange.push(`seats at slot ${ref}`);
    }
  }
  for (let thread = 1; thread <= highest(table); thread++) {
    const at = table.layout.threadsAt + thread * LINE + THREAD_INTENT;
    if (table.words[at] !== 0) strange.push(`thread ${thread} intends ${table.words[at]}`);
  }
  expect(strange).toEqual([]);
  expect(outOfSight, 'FREE slots whose bit is set').toEqual([]);
  expect(lent.sort(byNumber), 'slots that are lent').toEqual([...leased].sort(byNumber));
}

function seatsIn(table: SlabTable, ref: SlotRef): boolean {
  const at = wordAt(table, ref) + SLOT_SEATS;
  for (let i = 0; i < SEAT_WORDS; i++) if (table.words[at + i] !== 0) return true;
  return false;
}

/** What lies in magazines; an entry counts only while its slot has the very word that lies beside it. */
function magazineEntries(table: SlabTable): Set<string> {
  const { words, layout } = table;
  const entries = new Set<string>();
  for (let thread = 1; thread <= highest(table); thread++) {
    for (let pool = 0; pool < POOL_COUNT; pool++) {
      const at = layout.magazinesAt + (thread * POOL_COUNT + pool) * MAGAZINE_WORDS;
      for (let i = 0; i < words[at]!; i++) {
        const ref = words[at + MAGAZINE_ENTRIES + i]! as SlotRef;
        entries.add(entryOf(thread, pool, ref, words[at + MAGAZINE_CACHED + i]!));
      }
    }
  }
  return entries;
}

/** The highest id that may be in use: some tests use the lowest few without registering them. */
function highest(table: SlabTable): number {
  return Math.max(3, table.words[THREADS_HIGH]!);
}

function entryOf(thread: number, pool: number, ref: SlotRef, word: number): string {
  return `slot ${ref} of pool ${pool}, ${SIZE_CLASSES[pool & 7]} bytes, at thread ${thread} as ${word}`;
}

function byNumber(a: number, b: number): number {
  return a - b;
}
