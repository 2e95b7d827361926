/**
 * Occupancy: how much of the memory is lent, by its bitmaps and without a look at every slot.
 *
 * A bit that is set says that its slot is lent, or lies in a magazine. So what lies in magazines is taken
 * off, where an entry still stands for its slot. While others lease and release, it is an estimate.
 */
import {
  LINE,
  MAGAZINE_CACHED,
  MAGAZINE_ENTRIES,
  MAX_THREADS,
  SLAB_BITMAP,
  SLAB_BYTES,
  SLAB_STATE,
  SLAB_WORDS,
  SLOTS_PER_SLAB,
  THREADS_HIGH,
  type ControlLayout,
} from '../memory/layout.js';
import { CLASS_COUNT, SIZE_CLASSES, classOfPool } from '../memory/size-classes.js';
import { CLAIMED, EMPTY, RUN, RUN_TAIL, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import { magazineAt, MOST_ENTRIES } from '../slices/magazine.js';
import { CACHED, stateOf } from '../slices/slot-word.js';

/** Bytes of the slots that are lent. */
export function lentBytes(
  words: Int32Array,
  layout: ControlLayout,
  slotsByPool: readonly number[],
): number {
  let bytes = 0;
  for (let slab = 0; slab < layout.slabs; slab++) {
    const word = Atomics.load(words, layout.slabsAt + slab * SLAB_WORDS + SLAB_STATE);
    const state = slabStateOf(word);
    if (state === EMPTY) continue;
    if (state === RUN || state === RUN_TAIL || state === CLAIMED) bytes += SLAB_BYTES;
    else {
      const pool = slabPoolOf(word);
      const slots = slotsByPool[pool];
      // Of no pool: somebody holds an EMPTY slab back for a moment.
      if (slots) bytes += takenIn(words, layout, slab, slots) * SIZE_CLASSES[classOfPool(pool)]!;
    }
  }
  return Math.max(0, bytes - cachedBytes(words, layout));
}

/** How many of the first `slots` slots of `slab` are lent or lie in magazines. */
export function takenIn(
  words: Int32Array,
  layout: ControlLayout,
  slab: number,
  slots: number,
): number {
  let taken = 0;
  const at = layout.slabsAt + slab * SLAB_WORDS + SLAB_BITMAP;
  for (let w = 0; w * 32 < slots; w++) taken += bitsIn(Atomics.load(words, at + w));
  return taken;
}

/** Bytes of the slots that lie in magazines, whoever's they are. */
function cachedBytes(words: Int32Array, layout: ControlLayout): number {
  let bytes = 0;
  const threads = Math.min(Atomics.load(words, THREADS_HIGH), MAX_THREADS - 1);
  for (let thread = 1; thread <= threads; thread++) {
    for (let pool = 0; pool < CLASS_COUNT; pool++) {
      const at = magazineAt(layout, thread, pool);
      // Others' words, which they write as they please: nothing is taken for granted.
      const count = Math.min(Atomics.load(words, at), MOST_ENTRIES);
      for (let i = 0; i < count; i++) {
        const ref = Atomics.load(words, at + MAGAZINE_ENTRIES + i);
        const word = Atomics.load(words, at + MAGAZINE_CACHED + i);
        if (stateOf(word) !== CACHED || ref >>> 0 >= layout.slabs * SLOTS_PER_SLAB) continue;
        if (Atomics.load(words, layout.slotsAt + ref * LINE) === word) bytes += SIZE_CLASSES[pool]!;
      }
    }
  }
  return bytes;
}

/** How many bits of `word` are set. Source: H. Warren, "Hacker's Delight", 5-1. */
function bitsIn(word: number): number {
  let pairs = word - ((word >>> 1) & 0x5555_5555);
  pairs = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
