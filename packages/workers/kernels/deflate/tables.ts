/** The constant tables of RFC 1951, 3.2.5 to 3.2.7, worked out once when the kernel is loaded. */
import {
  FIXED_BITS,
  LENGTH_BASE,
  LENGTH_EXTRA,
  LENGTH_SLOT,
  MAX_MATCH,
  MIN_MATCH,
  OFFSET_BASE,
  OFFSET_EXTRA,
  OFFSET_SLOT,
  PRECODE_ORDER,
  SHORTEST_MATCH,
} from './layout';

const LENGTH_SLOTS: u32 = 29;
const OFFSET_SLOTS: u32 = 30;

export function fillTables(): void {
  fillLengths();
  fillOffsets();
  fillFixedCode();
  fillPrecodeOrder();
  fillShortestMatch();
}

/** Inlined by the compiler, which takes that order for methods alone. */
export class Offset {
  /** The symbol of an offset. */
  @inline
  static offsetSlot(offset: u32): u32 {
    const below = offset - 1;
    const index: u32 = below < 256 ? below : 256 + (below >> 7);
    return load<u8>(index, OFFSET_SLOT);
  }
}

function fillLengths(): void {
  let length = MIN_MATCH;
  for (let slot: u32 = 0; slot < LENGTH_SLOTS; slot++) {
    const extra: u32 = slot < 8 || slot == 28 ? 0 : (slot >> 2) - 1;
    // The last slot is for 258 alone, which the one before could name too.
    if (slot == 28) length = MAX_MATCH;
    store<u8>(LENGTH_BASE + slot, length - MIN_MATCH);
    store<u8>(LENGTH_EXTRA + slot, extra);
    for (let i: u32 = 0; i < u32(1) << extra; i++) store<u8>(LENGTH_SLOT + length++, slot);
  }
}

function fillOffsets(): void {
  let offset: u32 = 1;
  for (let slot: u32 = 0; slot < OFFSET_SLOTS; slot++) {
    const extra: u32 = slot < 4 ? 0 : (slot >> 1) - 1;
    store<u16>(OFFSET_BASE + 2 * slot, offset);
    store<u8>(OFFSET_EXTRA + slot, extra);
    const after = offset + (u32(1) << extra);
    while (offset < after) {
      const below = offset - 1;
      if (below < 256) {
        store<u8>(OFFSET_SLOT + below, slot);
        offset++;
      } else {
        store<u8>(OFFSET_SLOT + 256 + (below >> 7), slot);
        offset += 128;
      }
    }
  }
}

function fillFixedCode(): void {
  memory.fill(FIXED_BITS, 8, 144);
  memory.fill(FIXED_BITS + 144, 9, 112);
  memory.fill(FIXED_BITS + 256, 7, 24);
  memory.fill(FIXED_BITS + 280, 8, 8);
  memory.fill(FIXED_BITS + 288, 5, 32);
}

function fillPrecodeOrder(): void {
  // 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15
  store<u8>(PRECODE_ORDER, 16);
  store<u8>(PRECODE_ORDER + 1, 17);
  store<u8>(PRECODE_ORDER + 2, 18);
  store<u8>(PRECODE_ORDER + 3, 0);
  for (let i: u32 = 0; i < 8; i++) {
    store<u8>(PRECODE_ORDER + 4 + 2 * i, 8 + i);
    if (i < 7) store<u8>(PRECODE_ORDER + 5 + 2 * i, 7 - i);
  }
}

/** Few different literals need few bits each, so that a short match gains nothing. Source: libdeflate. */
function fillShortestMatch(): void {
  memory.fill(SHORTEST_MATCH, 3, 257);
  memory.fill(SHORTEST_MATCH, 4, 80);
  memory.fill(SHORTEST_MATCH, 5, 45);
  memory.fill(SHORTEST_MATCH, 6, 16);
  memory.fill(SHORTEST_MATCH, 7, 10);
  memory.fill(SHORTEST_MATCH, 8, 8);
  memory.fill(SHORTEST_MATCH, 9, 6);
}
