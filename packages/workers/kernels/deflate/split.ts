/**
 * Decides where one block ends and the next begins.
 *
 * Every 512 symbols the kinds of symbols that came are compared with those of the block so far: literals
 * by two of their upper bits and the lowest, matches by whether they are long. When they differ enough,
 * a new block with codes of its own pays.
 *
 * Source: E. Biggers, libdeflate.
 */
import { OBSERVED } from './layout';

/** 8 kinds of literals, 2 of matches: the block's so far, then the new ones. */
const KINDS: u32 = 10;
const NEW: u32 = OBSERVED + 4 * KINDS;
/** So many symbols make a check. */
const CHECK: u32 = 512;
const SHORTEST_BLOCK: u32 = 5000;

let observed: u32 = 0;
let fresh: u32 = 0;
/** At how many new ones there is to be a check. */
let due: u32 = 0;

export function beginObserving(): void {
  memory.fill(OBSERVED, 0, 2 * 4 * KINDS);
  observed = 0;
  fresh = 0;
  due = CHECK;
}

/** Inlined by the compiler, which takes that order for methods alone. */
export class Kinds {
  @inline
  static observeLiteral(literal: u32): void {
    Kinds.count(((literal >> 5) & 6) | (literal & 1));
  }

  @inline
  static observeMatch(length: u32): void {
    Kinds.count(8 + (length >= 9 ? 1 : 0));
  }

  @inline
  private static count(kind: u32): void {
    store<u32>(kind << 2, load<u32>(kind << 2, NEW) + 1, NEW);
    fresh++;
  }

  /** Whether a parser should stop for a check. */
  @inline
  static checkIsDue(): bool {
    return fresh >= due;
  }
}

/** Whether a block that has come to `length` should end here, with `left` bytes of input to come. */
export function splitsHere(length: u32, left: u32): bool {
  if (fresh < due) return false;
  if (length < SHORTEST_BLOCK || left < SHORTEST_BLOCK) {
    due = fresh + CHECK;
    return false;
  }
  if (observed > 0 && differs(length)) return true;
  for (let i: u32 = 0; i < 4 * KINDS; i += 4) {
    store<u32>(OBSERVED + i, load<u32>(OBSERVED + i) + load<u32>(NEW + i));
    store<u32>(NEW + i, 0);
  }
  observed += fresh;
  fresh = 0;
  due = CHECK;
  return false;
}

function differs(length: u32): bool {
  let difference: u32 = 0;
  for (let i: u32 = 0; i < 4 * KINDS; i += 4) {
    const expected = load<u32>(OBSERVED + i) * fresh;
    const actual = load<u32>(NEW + i) * observed;
    difference += max(expected, actual) - min(expected, actual);
  }
  const symbols = observed + fresh;
  let enough = ((fresh * 200) / CHECK) * observed;
  // Short blocks hardly pay for their header.
  if (length < 10_000 && symbols < 8192) {
    enough += <u32>((<u64>enough * (8192 - symbols)) / 8192);
  }
  return difference + (length / 4096) * observed >= enough;
}
