/**
 * Finds matches by hash chains: for each hash of 4 bytes the positions that had it, latest first. For
 * matches of 3 bytes, the one latest position of each hash of 3 bytes.
 *
 * Positions are 16 bits, signed, relative to the 32 KiB window they lie in: when a window is full, all
 * are lowered by 32768, and those too old stay at -32768. The input begins at a multiple of 32768, so that
 * a position's window is in its address. A position 32768 back, the farthest that RFC 1951 allows, cannot be
 * told from one too old, and is left.
 *
 * Source: E. Biggers, libdeflate.
 */
import { Match } from './extend';
import { HASH3, HASH3_ORDER, HASH4, HASH4_ORDER, MIN_MATCH, NEXT, WINDOW } from './layout';
import { lowerPositions, resetPositions } from './positions';

export function beginChains(): void {
  resetPositions(HASH3, NEXT);
}

/** Inlined by the compiler, which takes that order for methods alone. */
export class Chains {
  @inline
  private static hash3(bytes: u32): u32 {
    return (((bytes << 8) * 0x9e3779b1) >> (32 - HASH3_ORDER)) << 1;
  }

  @inline
  private static hash4(bytes: u32): u32 {
    return ((bytes * 0x1e35a7bd) >> (32 - HASH4_ORDER)) << 1;
  }

  /**
   * The longest match at `at` beyond `best` bytes, and takes note of the position: its length, and its
   * offset shifted by 9. Just `best` when there is none.
   *
   * @param most how long it can be
   * @param enough so long a match ends the search
   * @param depth how many positions of the chain are looked at
   */
  @inline
  static longestMatch(at: u32, best: u32, most: u32, enough: u32, depth: u32): u32 {
    if ((at & (WINDOW - 1)) == 0) lowerPositions(HASH3, NEXT + 2 * WINDOW);
    if (most < 5) return best;
    const current = at & (WINDOW - 1);
    const base = at & ~(WINDOW - 1);
    const oldest = <i32>current - <i32>WINDOW;
    const bytes = load<u32>(at);
    const place3 = Chains.hash3(bytes);
    const place4 = Chains.hash4(bytes);
    const node3: i32 = load<i16>(place3, HASH3);
    let node: i32 = load<i16>(place4, HASH4);
    store<u16>(place3, current, HASH3);
    store<u16>(place4, current, HASH4);
    store<u16>(current << 1, node, NEXT);

    return Chains.search(at, best, most, enough, depth, node3, node);
  }

  /** Goes along the chain that begins with `node`. */
  @inline
  private static search(
    at: u32,
    best: u32,
    most: u32,
    enough: u32,
    depth: u32,
    node3: i32,
    node: i32,
  ): u32 {
    const base = at & ~(WINDOW - 1);
    const oldest = <i32>(at & (WINDOW - 1)) - <i32>WINDOW;
    const bytes = load<u32>(at);
    let found = at;
    if (best < 4) {
      if (node3 <= oldest) return best;
      if (best < MIN_MATCH) {
        const there = base + node3;
        if (((load<u32>(there) ^ bytes) & 0xffffff) == 0) {
          best = MIN_MATCH;
          found = there;
        }
      }
      if (node <= oldest) return Chains.packed(best, at - found);
      let there = base + node;
      while (load<u32>(there) != bytes) {
        node = load<i16>((node & (WINDOW - 1)) << 1, NEXT);
        if (node <= oldest || --depth == 0) return Chains.packed(best, at - found);
        there = base + node;
      }
      found = there;
      best = Match.extend(at, there, 4, most);
      if (best >= enough) return Chains.packed(best, at - found);
      node = load<i16>((node & (WINDOW - 1)) << 1, NEXT);
      if (node <= oldest || --depth == 0) return Chains.packed(best, at - found);
    } else if (node <= oldest || best >= enough) {
      return best;
    }
    // To be longer, a match must agree at the end of the best one too.
    let toTail = base + best - 3;
    let tail = load<u32>(at + best - 3);
    for (;;) {
      if (load<u32>(toTail + node) == tail && load<u32>(base + node) == bytes) {
        const there = base + node;
        const length = Match.extend(at, there, 4, most);
        if (length > best) {
          best = length;
          found = there;
          if (best >= enough) break;
          toTail = base + best - 3;
          tail = load<u32>(at + best - 3);
        }
      }
      node = load<i16>((node & (WINDOW - 1)) << 1, NEXT);
      if (node <= oldest || --depth == 0) break;
    }
    return Chains.packed(best, at - found);
  }

  @inline
  private static packed(length: u32, offset: u32): u32 {
    return length | (offset << 9);
  }
}

/** Takes note of `count` positions without looking for matches. */
export function skipChains(from: u32, count: u32): void {
  for (let at = from; at < from + count; at++) {
    if ((at & (WINDOW - 1)) == 0) lowerPositions(HASH3, NEXT + 2 * WINDOW);
    const bytes = load<u32>(at);
    const place3 = Chains.hash3(bytes);
    const place4 = Chains.hash4(bytes);
    const current = at & (WINDOW - 1);
    store<u16>(place3, current, HASH3);
    store<u16>(current << 1, load<u16>(place4, HASH4), NEXT);
    store<u16>(place4, current, HASH4);
  }
}
