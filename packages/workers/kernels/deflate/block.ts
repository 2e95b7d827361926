/**
 * Writes one block in whichever of the three ways takes the fewest bits: with Huffman codes made for
 * it, with the fixed ones, or stored (RFC 1951, 3.2.3).
 */
import { align, bitsWaiting, put, resumeBits } from './bits';
import { prepareHeader, writeHeader } from './header';
import { assignCodewords, makeCode } from './huffman';
import {
  END_OF_BLOCK,
  FIRST_LENGTH,
  FIXED_BITS,
  LENGTH_BASE,
  LENGTH_CODE,
  LENGTH_EXTRA,
  LENGTH_SLOT,
  LITLENS,
  LITLEN_BITS,
  LITLEN_CODE,
  LITLEN_FREQ,
  MAX_MATCH,
  MIN_MATCH,
  OFFSETS,
  OFFSET_BITS,
  OFFSET_CODE,
  OFFSET_EXTRA,
  OFFSET_FREQ,
} from './layout';
import { writeSymbols } from './symbols';

const STORED: u32 = 0;
const FIXED: u32 = 1;
const OWN: u32 = 2;
const MAX_STORED: u32 = 65535;

/** Four literals are written at a time: 4 × 14 bits, and 7 that wait, fit 64. Source: libdeflate. */
const LITLEN_LIMIT: u32 = 14;
const OFFSET_LIMIT: u32 = 15;

/** Writes the bytes from `begin` to `end`, whose sequences and frequencies lie in their places. */
export function writeBlock(begin: u32, end: u32, final: bool): void {
  store<u32>(LITLEN_FREQ + 4 * END_OF_BLOCK, 1);
  makeCode(LITLEN_FREQ, LITLENS, LITLEN_LIMIT, LITLEN_BITS, LITLEN_CODE);
  makeCode(OFFSET_FREQ, OFFSETS, OFFSET_LIMIT, OFFSET_BITS, OFFSET_CODE);
  const extra = extraSize();
  const own = prepareHeader() + symbolsSize(LITLEN_BITS) + extra;
  const fixed = symbolsSize(FIXED_BITS) + extra;
  const stored = storedSize(end - begin);
  if (stored < min(own, fixed)) {
    writeStored(begin, end, final);
    return;
  }
  if (fixed <= own) {
    put((<u64>final) | (FIXED << 1), 3);
    assignCodewords(FIXED_BITS, LITLENS, LITLEN_CODE);
    assignCodewords(FIXED_BITS + LITLENS, OFFSETS, OFFSET_CODE);
  } else {
    put((<u64>final) | (OWN << 1), 3);
    writeHeader();
  }
  fillLengthCodes();
  writeSymbols(begin);
  const endOfBlock = load<u32>(LITLEN_CODE + 4 * END_OF_BLOCK);
  put(endOfBlock & 0xffffff, endOfBlock >> 24);
}

/** At least one block, even of nothing. */
export function writeStored(begin: u32, end: u32, final: bool): void {
  do {
    const length = min(end - begin, MAX_STORED);
    put((<u64>(final && begin + length == end)) | (STORED << 1), 3);
    const at = align();
    store<u16>(at, length);
    store<u16>(at + 2, ~length);
    memory.copy(at + 4, begin, length);
    resumeBits(0, 0, at + 4 + length);
    begin += length;
  } while (begin < end);
}

/** In bits, like the others without the three that begin the first block. */
function storedSize(length: u32): u32 {
  const others = length == 0 ? 0 : (length - 1) / MAX_STORED;
  return (-(bitsWaiting() + 3) & 7) + 32 + 40 * others + 8 * length;
}

function symbolsSize(bits: u32): u32 {
  let size: u32 = 0;
  for (let symbol: u32 = 0; symbol < LITLENS + OFFSETS; symbol++) {
    size += load<u32>(LITLEN_FREQ + 4 * symbol) * load<u8>(bits + symbol);
  }
  return size;
}

/** Of lengths and offsets. */
function extraSize(): u32 {
  let size: u32 = 0;
  for (let slot: u32 = 8; slot < 28; slot++) {
    size += load<u32>(LITLEN_FREQ + 4 * (FIRST_LENGTH + slot)) * load<u8>(LENGTH_EXTRA + slot);
  }
  for (let slot: u32 = 4; slot < 30; slot++) {
    size += load<u32>(OFFSET_FREQ + 4 * slot) * load<u8>(OFFSET_EXTRA + slot);
  }
  return size;
}

/** For each length of a match the codeword with its extra bits. */
function fillLengthCodes(): void {
  for (let length = MIN_MATCH; length <= MAX_MATCH; length++) {
    const slot: u32 = load<u8>(LENGTH_SLOT + length);
    const code = load<u32>(LITLEN_CODE + 4 * (FIRST_LENGTH + slot));
    const bits = code >> 24;
    const extra = length - MIN_MATCH - load<u8>(LENGTH_BASE + slot);
    const extraBits: u32 = load<u8>(LENGTH_EXTRA + slot);
    store<u32>(
      LENGTH_CODE + 4 * length,
      (code & 0xffffff) | (extra << bits) | ((bits + extraBits) << 24),
    );
  }
}
