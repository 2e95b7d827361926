/**
 * The header of a block with a code of its own: the lengths of all codewords, run-length coded, in a
 * Huffman code of their own whose lengths stand in front (RFC 1951, 3.2.7).
 */
import { put } from './bits';
import { makeCode } from './huffman';
import {
  END_OF_BLOCK,
  ITEMS,
  LITLENS,
  LITLEN_BITS,
  OFFSETS,
  OFFSET_BITS,
  PRECODES,
  PRECODE_BITS,
  PRECODE_CODE,
  PRECODE_FREQ,
  PRECODE_ORDER,
} from './layout';

const LIMIT: u32 = 7;
const REPEAT: u32 = 16;
const ZEROS: u32 = 17;
const MANY_ZEROS: u32 = 18;

let litlens: u32 = 0;
let offsets: u32 = 0;
let precodes: u32 = 0;
let items: u32 = 0;

/** Works the header out; how many bits it takes, without the three that begin each block. */
export function prepareHeader(): u32 {
  litlens = LITLENS - 2;
  while (litlens > END_OF_BLOCK + 1 && load<u8>(LITLEN_BITS + litlens - 1) == 0) litlens--;
  offsets = OFFSETS - 2;
  while (offsets > 1 && load<u8>(OFFSET_BITS + offsets - 1) == 0) offsets--;

  memory.fill(PRECODE_FREQ, 0, 4 * PRECODES);
  // Runs may reach from the one list into the other: laid side by side for that.
  const lengths = ITEMS - LITLENS - OFFSETS;
  memory.copy(lengths, LITLEN_BITS, litlens);
  memory.copy(lengths + litlens, OFFSET_BITS, offsets);
  const extra = listItems(lengths, lengths + litlens + offsets);
  makeCode(PRECODE_FREQ, PRECODES, LIMIT, PRECODE_BITS, PRECODE_CODE);
  precodes = PRECODES;
  while (precodes > 4 && load<u8>(PRECODE_BITS + load<u8>(PRECODE_ORDER + precodes - 1)) == 0) {
    precodes--;
  }
  let size = 5 + 5 + 4 + 3 * precodes + extra;
  for (let symbol: u32 = 0; symbol < PRECODES; symbol++) {
    size += load<u32>(PRECODE_FREQ + 4 * symbol) * load<u8>(PRECODE_BITS + symbol);
  }
  return size;
}

/** Puts the items and their frequencies down; how many extra bits they have. */
function listItems(begin: u32, end: u32): u32 {
  items = ITEMS;
  let extra: u32 = 0;
  let at = begin;
  while (at < end) {
    const length: u32 = load<u8>(at);
    let run: u32 = 1;
    while (at + run < end && load<u8>(at + run) == length) run++;
    at += run;
    if (length == 0) {
      while (run >= 11) {
        const taken = min(run, <u32>138);
        addItem(MANY_ZEROS, taken - 11);
        extra += 7;
        run -= taken;
      }
      if (run >= 3) {
        addItem(ZEROS, run - 3);
        extra += 3;
        run = 0;
      }
    } else if (run >= 4) {
      addItem(length, 0);
      run--;
      while (run >= 3) {
        const taken = min(run, <u32>6);
        addItem(REPEAT, taken - 3);
        extra += 2;
        run -= taken;
      }
    }
    for (; run > 0; run--) addItem(length, 0);
  }
  return extra;
}

function addItem(symbol: u32, extra: u32): void {
  store<u16>(items, symbol | (extra << 5));
  items += 2;
  const counter = PRECODE_FREQ + 4 * symbol;
  store<u32>(counter, load<u32>(counter) + 1);
}

export function writeHeader(): void {
  put(litlens - 257, 5);
  put(offsets - 1, 5);
  put(precodes - 4, 4);
  for (let i: u32 = 0; i < precodes; i++) {
    put(load<u8>(PRECODE_BITS + load<u8>(PRECODE_ORDER + i)), 3);
  }
  for (let item = ITEMS; item < items; item += 2) {
    const word: u32 = load<u16>(item);
    const symbol = word & 31;
    const code = load<u32>(PRECODE_CODE + 4 * symbol);
    put(code & 0xffffff, code >> 24);
    if (symbol == MANY_ZEROS) put(word >> 5, 7);
    else if (symbol == ZEROS) put(word >> 5, 3);
    else if (symbol == REPEAT) put(word >> 5, 2);
  }
}
