/**
 * Where everything lies in the kernel's memory. It is private to the thread and never grows.
 *
 *   page 0      constant tables, then the words and small tables of the block that is being made
 *   INPUT       up to 32 KiB of dictionary, then the block; room to read a little too far
 *   OUTPUT      the deflated bytes
 *   SEQUENCES   literal runs and matches of the block that is being parsed, 8 bytes each
 *   HASH3 …     the match finder's tables
 *
 * INPUT must be a multiple of WINDOW, as the match finder takes positions modulo WINDOW.
 */
const KiB: u32 = 1024;

/** RFC 1951: a match begins at most so many bytes back. */
export const WINDOW: u32 = 32768;
export const MIN_MATCH: u32 = 3;
export const MAX_MATCH: u32 = 258;

/** Input is at most one slot: 256 KiB with its dictionary. */
export const CAPACITY: u32 = 256 * KiB;

export const LITLENS: u32 = 288;
export const OFFSETS: u32 = 32;
export const PRECODES: u32 = 19;
export const END_OF_BLOCK: u32 = 256;
export const FIRST_LENGTH: u32 = 257;

// Constant tables, written once. See tables.ts.
/** Match length → its symbol less FIRST_LENGTH, a byte each. */
export const LENGTH_SLOT: u32 = 1 * KiB;
/** Offset - 1 → its symbol: 256 bytes for those below 256, then 256 for the others by their upper bits. */
export const OFFSET_SLOT: u32 = LENGTH_SLOT + 512;
/** Slot → smallest length, and number of extra bits; 32 bytes each (a length less 3 fits a byte). */
export const LENGTH_BASE: u32 = OFFSET_SLOT + 512;
export const LENGTH_EXTRA: u32 = LENGTH_BASE + 32;
/** Slot → smallest offset, 16 bits each; and number of extra bits, a byte each. */
export const OFFSET_BASE: u32 = LENGTH_EXTRA + 32;
export const OFFSET_EXTRA: u32 = OFFSET_BASE + 64;
/** The order in which the header names the precode's lengths. */
export const PRECODE_ORDER: u32 = OFFSET_EXTRA + 32;
/** Number of different literals → the shortest match worth taking. */
export const SHORTEST_MATCH: u32 = PRECODE_ORDER + 32;

// Of the block that is being made.
/** How often each symbol occurs, 32 bits each. The two lie side by side. */
export const LITLEN_FREQ: u32 = 4 * KiB;
export const OFFSET_FREQ: u32 = LITLEN_FREQ + 4 * LITLENS;
export const PRECODE_FREQ: u32 = OFFSET_FREQ + 4 * OFFSETS;
/** How often each kind of symbol occurs. See split.ts. */
export const OBSERVED: u32 = PRECODE_FREQ + 4 * OFFSETS;

/** Lengths of codewords, a byte each: literals and lengths, then offsets, so that they read as one run. */
export const LITLEN_BITS: u32 = 7 * KiB;
export const OFFSET_BITS: u32 = LITLEN_BITS + LITLENS;
export const PRECODE_BITS: u32 = OFFSET_BITS + OFFSETS;
/** The fixed code's lengths, in the same order. */
export const FIXED_BITS: u32 = PRECODE_BITS + 32;

/** Codewords: the bits to write in the lower 24, their number in the upper 8. */
export const LITLEN_CODE: u32 = 8 * KiB;
export const OFFSET_CODE: u32 = LITLEN_CODE + 4 * LITLENS;
export const PRECODE_CODE: u32 = OFFSET_CODE + 4 * OFFSETS;
/** The same for each length of a match, with its extra bits, from 0 to 258. */
export const LENGTH_CODE: u32 = 10 * KiB;
/** The header's run-length items: symbol in the lower 5 bits, extra bits above; 16 bits each. */
export const ITEMS: u32 = 12 * KiB;
/** For the making of Huffman codes. */
export const NODES: u32 = 13 * KiB;
export const NODES_SPARE: u32 = NODES + 4 * LITLENS;
export const COUNTS: u32 = NODES_SPARE + 4 * LITLENS;

export const INPUT: u32 = 32 * KiB;
/** Reads of 16 bytes may begin at the last byte of the input; that must not depend on what was there before. */
export const INPUT_PADDING: u32 = 32;
export const OUTPUT: u32 = INPUT + CAPACITY + 1 * KiB;

export const SEQUENCES: u32 = OUTPUT + CAPACITY + 8 * KiB;
/** A block with more matches than this is ended. */
export const SEQUENCES_END: u32 = SEQUENCES + 8 * 40000;
/** One step of a parser may add so many more. */
const SEQUENCES_SPARE: u32 = 8 * 1024;

export const HASH3: u32 = SEQUENCES_END + SEQUENCES_SPARE;
export const HASH3_ORDER: u32 = 15;
export const HASH4: u32 = HASH3 + (2 << HASH3_ORDER);
export const HASH4_ORDER: u32 = 16;
/** Position modulo WINDOW → the position before it with the same hash. */
export const NEXT: u32 = HASH4 + (2 << HASH4_ORDER);
export const MEMORY_END: u32 = NEXT + 2 * WINDOW;
