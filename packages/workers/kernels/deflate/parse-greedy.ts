/** Greedy parsing: the longest match is taken wherever there is one. Source: E. Biggers, libdeflate. */
import { Chains, skipChains } from './chains';
import { MAX_MATCH, MIN_MATCH } from './layout';
import { Sequences, sequencesFull } from './sequences';
import { CHECK } from './split';

/** So far back a match of 3 bytes costs more than its literals. */
const FAR: u32 = 4096;

/** As parseLazy. */
export function parseGreedy(
  at: u32,
  until: u32,
  end: u32,
  shortest: u32,
  depth: u32,
  nice: u32,
): u32 {
  let left: i32 = CHECK;
  while (at < until && left > 0 && !sequencesFull()) {
    left--;
    const most = min(MAX_MATCH, end - at);
    const match = Chains.longestMatch(at, shortest - 1, most, min(nice, most), depth);
    const length = match & 511;
    const offset = match >> 9;
    if (length < shortest || (length == MIN_MATCH && offset > FAR)) {
      Sequences.addLiteral(load<u8>(at++));
    } else {
      Sequences.addMatch(at, length, offset);
      skipChains(at + 1, length - 1);
      at += length;
    }
  }
  return at;
}
