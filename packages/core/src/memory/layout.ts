/**
 * The control block: every word that threads race on, and where it lies.
 *
 * Nothing but offsets stands here. Offsets are in 32-bit words. LINE words (128 bytes: two cache
 * lines, since processors fetch them in pairs) lie between words that different threads write.
 *
 *   header      1 line      what was settled when the memory was made; only read after that
 *   common      2 lines     THREADS_HIGH, TICK │ ATTENTION, WAITING by size class
 *   arenas      one EPOCH an arena
 *   threads     128 lines   one record a thread id; id 0 means "nobody"
 *   counters    128 stripes of whole lines, two words a counter
 *   magazines   128 × 16 × 3 lines   one a thread and pool
 *   slabs       SLABS × 2 lines     one record and one bitmap a slab
 *   extra       words of the room above
 *   slots       SLABS × 1024 lines  one record a slot
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
export const HEADER_EXTRA = 4;
export const HEADER_SLABS_PER_ARENA = 5;
/** Bytes between two slots: 0, or a page where slices are guarded. */
export const HEADER_GUARD = 6;
/** From here on, words that belong to the settings of the pools. */
export const HEADER_SETTINGS = 8;

/** "mill", and the version of this page: attach refuses any other. */
export const MAGIC = 0x6d_69_6c_6c;
export const VERSION = 2;

/** The highest thread id that was ever given out. */
export const THREADS_HIGH = 1 * LINE;
/** Time since the memory was made, in {@link TICK_MS}; one thread keeps it. */
export const TICK = LINE + 1;
export const TICK_MS = 10;
/** Who waits for a slot, one bit for every 32nd thread: not 0 sends every release the long way. */
export const ATTENTION = 2 * LINE;
/** The same by class. */
export const WAITING = 2 * LINE + 1;
const ARENAS_AT = 3 * LINE;

/** Thread ids are 1 … 127: seven bits of a slot's control word. */
export const MAX_THREADS = 128;

/** A thread's record. What it counts and intends is here, so that its sweeper can read it. */
export const THREAD_STATE = 0;
export const THREAD_EPOCH = 1;
export const THREAD_BEAT = 2;
/** The slab in which it takes several steps, + 1; 0 for none. */
export const THREAD_INTENT = 3;
/** Leases that it has begun, and that it has ended for dead threads: counters of two words each. */
export const THREAD_LEASED = 16;
export const THREAD_SWEPT = 18;
/** How many of its tasks want to hear of any release. */
export const THREAD_LISTENING = 4;
/** How many of its tasks wait for a slot of each class. */
export const THREAD_WAITING = 8;

/** Bytes of a slab, and of the largest slot. */
export const SLAB_BYTES = 4 * 1024 * 1024;
/** Slots of the smallest class in one slab: ten bits of a slot reference. */
export const SLOTS_PER_SLAB = 1024;
/** The most slabs of one memory: 4 TiB. */
export const MOST_SLABS = 2 ** 20;
/** An arena is at most 1 GiB, and at least 64 MiB where the memory is that large. */
const MOST_SLABS_PER_ARENA = 256;
const LEAST_SLABS_PER_ARENA = 16;
/** A memory is cut into about as many arenas, so that idle ones can be dropped one by one. */
const USUAL_ARENAS = 64;

/** A slab's record: its state word and when it was opened, in ticks. Its bitmap is one line on. */
export const SLAB_STATE = 0;
export const SLAB_BORN = 1;
export const SLAB_BITMAP = 1 * LINE;
export const SLAB_WORDS = 2 * LINE;

/** A slot's record: its control word, which is word 0; then what belongs to the lease. */
/** Who shares it: one bit a thread, four words. */
export const SLOT_SEATS = 4;
/** Bytes of the last lease that was watched; which that was; when it began, in ticks. */
export const SLOT_WATCHED_BYTES = 8;
export const SLOT_WATCHED = 9;
export const SLOT_WATCHED_SINCE = 10;
/** 0, or which lease comes right after the watched one that left its poison; and the slab's word then. */
export const SLOT_POISONED = 11;
export const SLOT_POISONED_IN = 12;
export const SEAT_WORDS = MAX_THREADS / 32;

export interface ControlLayout {
  readonly slabs: number;
  readonly slabsPerArena: number;
  readonly arenas: number;
  readonly counters: number;
  readonly extra: number;
  readonly arenasAt: number;
  readonly threadsAt: number;
  readonly countersAt: number;
  readonly stripeWords: number;
  readonly magazinesAt: number;
  readonly slabsAt: number;
  readonly extraAt: number;
  readonly slotsAt: number;
  readonly words: number;
}

/** A magazine: its count, one line on its entries, and another on the control words of these. */
export const MAGAZINE_ENTRIES = 1 * LINE;
export const MAGAZINE_CACHED = 2 * LINE;
export const MAGAZINE_WORDS = 3 * LINE;
/** Two pools for each of eight size classes. */
const POOLS = 16;

/**
 * @param slabs how many slabs of 4 MiB
 * @param counters how many counters every thread has
 * @param extra words for the room above, whole lines
 */
export function controlLayout(slabs: number, counters: number, extra = 0): ControlLayout {
  const slabsPerArena = slabsPerArenaOf(slabs);
  const arenas = Math.ceil(slabs / slabsPerArena);
  const stripeWords = toLines(counters * 2);
  const threadsAt = ARENAS_AT + toLines(arenas);
  const countersAt = threadsAt + MAX_THREADS * LINE;
  const magazinesAt = countersAt + MAX_THREADS * stripeWords;
  const slabsAt = magazinesAt + MAX_THREADS * POOLS * MAGAZINE_WORDS;
  const extraAt = slabsAt + slabs * SLAB_WORDS;
  const slotsAt = extraAt + toLines(extra);
  const words = slotsAt + slabs * SLOTS_PER_SLAB * LINE;
  return {
    slabs,
    slabsPerArena,
    arenas,
    counters,
    extra,
    arenasAt: ARENAS_AT,
    threadsAt,
    countersAt,
    stripeWords,
    magazinesAt,
    slabsAt,
    extraAt,
    slotsAt,
    words,
  };
}

function slabsPerArenaOf(slabs: number): number {
  const usual = Math.ceil(slabs / USUAL_ARENAS);
  return Math.min(MOST_SLABS_PER_ARENA, Math.max(LEAST_SLABS_PER_ARENA, usual));
}

function toLines(words: number): number {
  return Math.ceil(words / LINE) * LINE;
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
