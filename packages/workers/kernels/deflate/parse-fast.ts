/** Greedy parsing of what pairs.ts finds. Source: E. Biggers, libdeflate. */
import { MAX_MATCH } from './layout';
import { Pairs, skipPairs } from './pairs';
import { Sequences, sequencesFull } from './sequences';
import { CHECK } from './split';

/** As parseLazy. */
export function parseFast(at: u32, until: u32, end: u32, nice: u32): u32 {
  let left: i32 = CHECK;
  while (at < until && left > 0 && !sequencesFull()) {
    left--;
    const most = min(MAX_MATCH, end - at);
    const match = Pairs.latestMatch(at, most, min(nice, most));
    const length = match & 511;
    if (length == 0) {
      Sequences.addLiteral(load<u8>(at++));
    } else {
      Sequences.addMatch(at, length, match >> 9);
      skipPairs(at + 1, length - 1);
      at += length;
    }
  }
  return at;
}
