/**
 * A position in shared memory that counts to 2^53: two words, written by one thread and read by any.
 *
 *   low   bit 30: the parity of `high` when low was written │ bits 0–29: the position modulo 2^30
 *   high  the rest
 *
 * On a carry the writer stores `high` first. A reader that sees the two parities differ came between
 * the two stores, and knows that `high` is one ahead. A writer that dies there leaves nothing to wait
 * for. It is the way of the striped counters, for a number that its writer knows as a whole.
 */

export const POSITION_WORDS = 2;

const LOW_BITS = 30;
const LOW_RANGE = 2 ** LOW_BITS;
const LOW_MASK = LOW_RANGE - 1;

/**
 * Publishes `position` with all that was written before this. It must be less than 2^30 ahead of the one
 * before, unless nobody reads it meanwhile.
 */
export function storePosition(words: Int32Array, at: number, position: number): void {
  const high = Math.floor(position / LOW_RANGE);
  if (words[at + 1] !== high) Atomics.store(words, at + 1, high);
  Atomics.store(words, at, ((high & 1) << LOW_BITS) | (position & LOW_MASK));
}

export function loadPosition(words: Int32Array, at: number): number {
  for (;;) {
    const high = Atomics.load(words, at + 1);
    const low = Atomics.load(words, at);
    // Changed: a carry has come meanwhile, 2^30 messages after the last.
    if (high !== Atomics.load(words, at + 1)) continue;
    return (high - (((low >>> LOW_BITS) ^ high) & 1)) * LOW_RANGE + (low & LOW_MASK);
  }
}
