/** Greedy parsing of what pairs.ts finds. Source: E. Biggers, libdeflate. */
import { MAX_MATCH } from './layout';
import { Pairs, skipPairs } from './pairs';
import { Sequences, sequencesFull } from './sequences';
import { Kinds } from './split';

/** As parseLazy. */
export function parseFast(at: u32, until: u32, end: u32, nice: u32): u32 {
  while (at < until && !Kinds.checkIsDue() && !sequencesFull()) {
    const most = min(MAX_MATCH, end - at);
    const match = Pairs.latestMatch(at, most, min(nice, most));
    const length = match & 511;
    if (length == 0) {
      const literal: u32 = load<u8>(at++);
      Sequences.addLiteral(literal);
      Kinds.observeLiteral(literal);
    } else {
      Sequences.addMatch(at, length, match >> 9);
      Kinds.observeMatch(length);
      skipPairs(at + 1, length - 1);
      at += length;
    }
  }
  return at;
}
