/**
 * Writes a block's literals and matches: a kernel's second hottest loop.
 *
 * Sequences are written a batch per call, since V8 turns to the optimized code of a function only when
 * it is called again.
 */
import { bitBuffer, bitsWaiting, bytesAt, resumeBits } from './bits';
import {
  LENGTH_CODE,
  LITLEN_CODE,
  OFFSET_BASE,
  OFFSET_CODE,
  OFFSET_EXTRA,
  SEQUENCES,
} from './layout';
import { sequencesAt } from './sequences';

const BATCH: u32 = 8 * 1024;

/** Where the next literals lie. */
let literals: u32 = 0;

export function writeSymbols(begin: u32): void {
  literals = begin;
  const end = sequencesAt();
  for (let at = SEQUENCES; at < end; at += BATCH) writeBatch(at, min(at + BATCH, end));
}

/**
 * A sequence: length of the literal run (32 bits), length of the match (0 when it ends the block; 9
 * bits), the offset's symbol (7 bits), offset (16 bits).
 */
function writeBatch(from: u32, to: u32): void {
  let buffer = bitBuffer();
  let waiting = bitsWaiting();
  let at = bytesAt();
  let next = literals;
  for (let sequence = from; sequence < to; sequence += 8) {
    let run = load<u32>(sequence);
    while (run >= 4) {
      const a = load<u32>((<u32>load<u8>(next)) << 2, LITLEN_CODE);
      const b = load<u32>((<u32>load<u8>(next, 1)) << 2, LITLEN_CODE);
      const c = load<u32>((<u32>load<u8>(next, 2)) << 2, LITLEN_CODE);
      const d = load<u32>((<u32>load<u8>(next, 3)) << 2, LITLEN_CODE);
      buffer |= (<u64>(a & 0xffffff)) << waiting;
      waiting += a >> 24;
      buffer |= (<u64>(b & 0xffffff)) << waiting;
      waiting += b >> 24;
      buffer |= (<u64>(c & 0xffffff)) << waiting;
      waiting += c >> 24;
      buffer |= (<u64>(d & 0xffffff)) << waiting;
      waiting += d >> 24;
      store<u64>(at, buffer);
      at += waiting >> 3;
      buffer >>= waiting & ~7;
      waiting &= 7;
      next += 4;
      run -= 4;
    }
    // At most three literals: 7 + 3 × 14 = 49 bits. A match would not fit beside them.
    for (; run > 0; run--) {
      const a = load<u32>((<u32>load<u8>(next++)) << 2, LITLEN_CODE);
      buffer |= (<u64>(a & 0xffffff)) << waiting;
      waiting += a >> 24;
    }
    const match: u32 = load<u16>(sequence, 4);
    const length = match & 511;
    if (length == 0) break;
    store<u64>(at, buffer);
    at += waiting >> 3;
    buffer >>= waiting & ~7;
    waiting &= 7;
    next += length;
    const slot = match >> 9;
    const lengthCode = load<u32>(length << 2, LENGTH_CODE);
    buffer |= (<u64>(lengthCode & 0xffffff)) << waiting;
    waiting += lengthCode >> 24;
    const offsetCode = load<u32>(slot << 2, OFFSET_CODE);
    buffer |= (<u64>(offsetCode & 0xffffff)) << waiting;
    waiting += offsetCode >> 24;
    const offset: u32 = load<u16>(sequence, 6);
    buffer |= (<u64>(offset - load<u16>(slot << 1, OFFSET_BASE))) << waiting;
    waiting += load<u8>(slot, OFFSET_EXTRA);
    store<u64>(at, buffer);
    at += waiting >> 3;
    buffer >>= waiting & ~7;
    waiting &= 7;
  }
  store<u64>(at, buffer);
  at += waiting >> 3;
  buffer >>= waiting & ~7;
  waiting &= 7;
  literals = next;
  resumeBits(buffer, waiting, at);
}
