/**
 * Decides where one block ends and the next begins.
 *
 * Every 512 symbols the kinds of symbols that came are compared with those of the block so far: literals
 * by two of their upper bits and the lowest, matches by whether they are long. When they differ enough,
 * a new block with codes of its own pays.
 *
 * Source: E. Biggers, libdeflate.
 */
import { FIRST_LENGTH, LITLEN_FREQ, OBSERVED } from './layout';

/** 8 kinds of literals, 2 of matches. */
const KINDS: u32 = 10;
/** How many there are in the block up to the last check, and up to now. */
const NOW: u32 = OBSERVED + 4 * KINDS;
/** So many symbols make a check. */
export const CHECK: u32 = 512;
const SHORTEST_BLOCK: u32 = 5000;
/** The first symbol of matches of 9 bytes and more. */
const LONG: u32 = FIRST_LENGTH + 6;
const AFTER_LENGTHS: u32 = FIRST_LENGTH + 29;

/** How many symbols there were up to the last check. */
let observed: u32 = 0;

export function beginObserving(): void {
  memory.fill(OBSERVED, 0, 4 * KINDS);
  observed = 0;
}

/** Whether a block that has come to `length` should end here, with `left` bytes of input to come. */
export function splitsHere(length: u32, left: u32): bool {
  if (length < SHORTEST_BLOCK || left < SHORTEST_BLOCK) return false;
  const symbols = countKinds();
  if (symbols - observed < CHECK) return false;
  if (observed > 0 && differs(length, symbols)) return true;
  memory.copy(OBSERVED, NOW, 4 * KINDS);
  observed = symbols;
  return false;
}

/** Out of the frequencies; how many symbols there are. */
function countKinds(): u32 {
  let symbols: u32 = 0;
  for (let upper: u32 = 0; upper < 4; upper++) {
    const from = LITLEN_FREQ + 4 * 64 * upper;
    let sums = i32x4.splat(0);
    for (let at = from; at < from + 4 * 64; at += 16) sums = i32x4.add(sums, v128.load(at));
    const even = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 2);
    const odd = i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 3);
    store<u32>(NOW + 8 * upper, even);
    store<u32>(NOW + 8 * upper + 4, odd);
    symbols += even + odd;
  }
  const short = matches(FIRST_LENGTH, LONG);
  const long = matches(LONG, AFTER_LENGTHS);
  store<u32>(NOW + 4 * 8, short);
  store<u32>(NOW + 4 * 9, long);
  return symbols + short + long;
}

function matches(from: u32, to: u32): u32 {
  let sum: u32 = 0;
  for (let symbol = from; symbol < to; symbol++) sum += load<u32>(LITLEN_FREQ + 4 * symbol);
  return sum;
}

function differs(length: u32, symbols: u32): bool {
  const fresh = symbols - observed;
  let difference: u32 = 0;
  for (let i: u32 = 0; i < 4 * KINDS; i += 4) {
    const before = load<u32>(OBSERVED + i);
    const expected = before * fresh;
    const actual = (load<u32>(NOW + i) - before) * observed;
    difference += max(expected, actual) - min(expected, actual);
  }
  let enough = ((fresh * 200) / CHECK) * observed;
  // Short blocks hardly pay for their header.
  if (length < 10_000 && symbols < 8192) {
    enough += <u32>((<u64>enough * (8192 - symbols)) / 8192);
  }
  return difference + (length / 4096) * observed >= enough;
}
