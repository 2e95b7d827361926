/**
 * Lazy parsing: a match is put off when the next position has a better one, or, for the highest levels,
 * the one after that.
 *
 * Source: E. Biggers, libdeflate.
 */
import { Chains, skipChains } from './chains';
import { MAX_MATCH, MIN_MATCH } from './layout';
import { Sequences, sequencesFull } from './sequences';
import { CHECK } from './split';

/** So far back a match of 3 bytes costs more than its literals. */
const FAR: u32 = 8192;

/**
 * Parses from `at` until `until`, or until a block's end should be considered; where it came to.
 *
 * @param end the input's end
 */
export function parseLazy(
  at: u32,
  until: u32,
  end: u32,
  shortest: u32,
  depth: u32,
  nice: u32,
  twice: bool,
): u32 {
  let left: i32 = CHECK;
  while (at < until && left > 0 && !sequencesFull()) {
    let most = min(MAX_MATCH, end - at);
    let match = Chains.longestMatch(at, shortest - 1, most, min(nice, most), depth);
    let length = match & 511;
    let offset = match >> 9;
    if (length < shortest || (length == MIN_MATCH && offset > FAR)) {
      Lazy.literalAt(at++);
      left--;
      continue;
    }
    at++;
    for (;;) {
      left--;
      if (length >= min(nice, most)) {
        Sequences.addMatch(at - 1, length, offset);
        skipChains(at, length - 1);
        at += length - 1;
        break;
      }
      most = min(MAX_MATCH, end - at);
      match = Chains.longestMatch(at++, length - 1, most, min(nice, most), depth >> 1);
      if (Lazy.isBetter(match, length, offset, 2)) {
        Lazy.literalAt(at - 2);
        length = match & 511;
        offset = match >> 9;
        continue;
      }
      if (!twice) {
        Sequences.addMatch(at - 2, length, offset);
        skipChains(at, length - 2);
        at += length - 2;
        break;
      }
      most = min(MAX_MATCH, end - at);
      match = Chains.longestMatch(at++, length - 1, most, min(nice, most), depth >> 2);
      if (Lazy.isBetter(match, length, offset, 6)) {
        Lazy.literalAt(at - 3);
        Lazy.literalAt(at - 2);
        length = match & 511;
        offset = match >> 9;
        continue;
      }
      Sequences.addMatch(at - 3, length, offset);
      if (length > 3) {
        skipChains(at, length - 3);
        at += length - 3;
      }
      break;
    }
  }
  return at;
}

/** Inlined by the compiler, which takes that order for methods alone. */
class Lazy {
  /** Whether it is worth `cost` fourths of a byte, at about so many bits for an offset as it is long. */
  @inline
  static isBetter(match: u32, length: u32, offset: u32, cost: i32): bool {
    const newLength = match & 511;
    return (
      newLength >= length &&
      4 * <i32>(newLength - length) + (<i32>clz(match >> 9) - <i32>clz(offset)) > cost
    );
  }

  @inline
  static literalAt(at: u32): void {
    Sequences.addLiteral(load<u8>(at));
  }
}
