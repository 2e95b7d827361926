/**
 * The fastest match finder: for each hash of 4 bytes the two latest positions, and nothing else. The
 * positions are as in chains.ts.
 *
 * Source: E. Biggers, libdeflate.
 */
import { Match } from './extend';
import { HASH4, WINDOW } from './layout';
import { lowerPositions, resetPositions } from './positions';

const ORDER: u32 = 15;
/** Two positions of 16 bits. */
const END: u32 = HASH4 + (4 << ORDER);

export function beginPairs(): void {
  resetPositions(HASH4, END);
}

/** Inlined by the compiler, which takes that order for methods alone. */
export class Pairs {
  @inline
  private static placeOf(bytes: u32): u32 {
    return ((bytes * 0x1e35a7bd) >> (32 - ORDER)) << 2;
  }

  /** As longestMatch of chains.ts; 0 when there is none of at least 4 bytes. */
  @inline
  static latestMatch(at: u32, most: u32, enough: u32): u32 {
    if ((at & (WINDOW - 1)) == 0) lowerPositions(HASH4, END);
    if (most < 5) return 0;
    const current = at & (WINDOW - 1);
    const base = at & ~(WINDOW - 1);
    const oldest = <i32>current - <i32>WINDOW;
    const bytes = load<u32>(at);
    const place = Pairs.placeOf(bytes);
    const pair = load<u32>(place, HASH4);
    store<u32>(place, (pair << 16) | current, HASH4);
    const first = (<i32>(pair << 16)) >> 16;
    const second = (<i32>pair) >> 16;
    let best: u32 = 0;
    let found = at;
    if (first > oldest) {
      let there = base + first;
      if (load<u32>(there) == bytes) {
        best = Match.extend(at, there, 4, most);
        found = there;
      }
      if (second > oldest && best < enough) {
        there = base + second;
        if (load<u32>(there) == bytes) {
          const length = Match.extend(at, there, 4, most);
          if (length > best) {
            best = length;
            found = there;
          }
        }
      }
    }
    return best | ((at - found) << 9);
  }
}

export function skipPairs(from: u32, count: u32): void {
  for (let at = from; at < from + count; at++) {
    if ((at & (WINDOW - 1)) == 0) lowerPositions(HASH4, END);
    const place = Pairs.placeOf(load<u32>(at));
    store<u32>(place, (load<u32>(place, HASH4) << 16) | (at & (WINDOW - 1)), HASH4);
  }
}
