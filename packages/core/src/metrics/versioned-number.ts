/**
 * A number in shared memory, any double, written by one thread and read whole by any.
 *
 *   VERSION │ slot 0: low, high │ slot 1: low, high
 *
 * The writer fills the slot that VERSION does not point at, and then makes VERSION one more, which
 * publishes that slot. A reader takes the slot that VERSION points at and looks at VERSION again: only
 * if it has moved on may the slot have changed meanwhile, and then there is a newer number to be had.
 * A writer that dies at any point leaves the last number it published. Zeroed words hold 0.
 *
 * Every word is loaded and stored atomically, so that no store is seen before the one ahead of it.
 *
 * Source: the two-slot register, as in Linux's `seqcount_latch_t`.
 */

export const NUMBER_WORDS = 5;

const VERSION = 0;
const SLOTS = 1;

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** Publishes `value`; only the one thread that writes here may call it. */
export function storeNumber(words: Int32Array, at: number, value: number): void {
  const next = (words[at + VERSION]! + 1) | 0;
  const slot = at + SLOTS + (next & 1) * 2;
  double[0] = value;
  const low = halves[0]!;
  const high = halves[1]!;
  Atomics.store(words, slot, low);
  Atomics.store(words, slot + 1, high);
  Atomics.store(words, at + VERSION, next);
}

export function loadNumber(words: Int32Array, at: number): number {
  for (;;) {
    const version = Atomics.load(words, at + VERSION);
    const slot = at + SLOTS + (version & 1) * 2;
    const low = Atomics.load(words, slot);
    const high = Atomics.load(words, slot + 1);
    if (Atomics.load(words, at + VERSION) !== version) continue;
    halves[0] = low;
    halves[1] = high;
    return double[0]!;
  }
}

/** How often it was written, modulo 2^32. */
export function versionOf(words: Int32Array, at: number): number {
  return Atomics.load(words, at + VERSION) >>> 0;
}
