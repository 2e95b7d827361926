/**
 * The control block: every word that threads race on, and where it lies.
 *
 * Nothing but offsets stands here. Offsets are in 32-bit words. LINE words (128 bytes: two cache
 * lines, since processors fetch them in pairs) lie between words that different threads write.
 *
 *   header      1 line      MAGIC, VERSION, SLABS, COUNTERS
 *   threads     128 lines   one record a thread id; id 0 means "nobody"
 *   counters    128 stripes of whole lines, two words a counter
 *   magazines   128 × 8 × 2 lines   one a thread and size class
 *   slabs       SLABS × 2 lines     one record and one bitmap a slab
 *   slots       SLABS × 1024 lines  one control word a slot, with room beside it
 *
 * The slots' lines are only touched as slots come into use, so an unused slab costs address range,
 * not memory.
 */

export const LINE = 32;
export const BYTES_PER_WORD = 4;

export const HEADER_MAGIC = 0;
export const HEADER_VERSION = 1;
export const HEADER_SLABS = 2;
export const HEADER_COUNTERS = 3;

/** "mill", and the version of this page: attach refuses any other. */
export const MAGIC = 0x6d_69_6c_6c;
export const VERSION = 1;

/** Thread ids are 1 … 127: seven bits of a slot's control word. */
export const MAX_THREADS = 128;

/** Bytes of a slab, and of the largest slot. */
export const SLAB_BYTES = 4 * 1024 * 1024;
/** Slots of the smallest class in one slab: ten bits of a slot reference. */
export const SLOTS_PER_SLAB = 1024;
/** Slabs of one arena: 1 GiB. */
export const SLABS_PER_ARENA = 256;

/** A slab's record: word 0 holds 0 while it is unused, else its size class + 1. Its bitmap is one line on. */
export const SLAB_CLASS = 0;
export const SLAB_BITMAP = 32;
export const SLAB_WORDS = 2 * LINE;

export interface ControlLayout {
  readonly slabs: number;
  readonly counters: number;
  readonly threadsAt: number;
  readonly countersAt: number;
  readonly stripeWords: number;
  readonly magazinesAt: number;
  readonly slabsAt: number;
  readonly slotsAt: number;
  readonly words: number;
}

/** Entries of a magazine begin one line after its count. */
export const MAGAZINE_WORDS = 2 * LINE;

export function controlLayout(slabs: number, counters: number): ControlLayout {
  const stripeWords = Math.ceil((counters * 2) / LINE) * LINE;
  const threadsAt = LINE;
  const countersAt = threadsAt + MAX_THREADS * LINE;
  const magazinesAt = countersAt + MAX_THREADS * stripeWords;
  const slabsAt = magazinesAt + MAX_THREADS * 8 * MAGAZINE_WORDS;
  const slotsAt = slabsAt + slabs * SLAB_WORDS;
  const words = slotsAt + slabs * SLOTS_PER_SLAB * LINE;
  return {
    slabs,
    counters,
    threadsAt,
    countersAt,
    stripeWords,
    magazinesAt,
    slabsAt,
    slotsAt,
    words,
  };
}

/**
 * A slot reference: slab × 1024 + slot, a plain integer that travels between threads.
 *
 *   31                      10 9        0
 *   |          slab           |   slot   |
 */
export type SlotRef = number & { readonly slotRef: unique symbol };

export function slotRef(slab: number, slot: number): SlotRef {
  return ((slab << 10) | slot) as SlotRef;
}

export function slabOf(ref: SlotRef): number {
  return ref >>> 10;
}

export function slotOf(ref: SlotRef): number {
  return ref & (SLOTS_PER_SLAB - 1);
}
