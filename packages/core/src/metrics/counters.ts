/**
 * Striped counters: every thread adds to a stripe of its own with plain loads and stores, and a
 * reader on any thread sums the stripes without stopping anyone.
 *
 * A counter is two words, low and high, so that it counts to 2^61:
 *
 *   low   bit 30: the parity of `high` when low was written │ bits 0–29: the count modulo 2^30
 *   high  carries out of low
 *
 * The writer stores a carry into `high` first and then, in one store, the new low count with the new
 * parity. A reader who sees the two parities differ came between these two stores, and knows that
 * `high` is one carry ahead. There is no state in which a dead writer could make a reader wait.
 */
import { MAX_THREADS, type ControlLayout } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';

const LOW_BITS = 30;
const LOW_MASK = 2 ** LOW_BITS - 1;
const LOW_RANGE = 2 ** LOW_BITS;

/** Sums and adds to `count` counters, each named by its index. */
export class StripedCounters {
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #stripeWords: number;

  constructor(words: Int32Array, layout: ControlLayout) {
    this.#words = words;
    this.#base = layout.countersAt;
    this.#stripeWords = layout.stripeWords;
  }

  /** Where `thread`'s part of counter `index` lies; for {@link addTo} on hot paths. */
  at(thread: ThreadId, index: number): number {
    return this.#base + thread * this.#stripeWords + index * 2;
  }

  /** Adds `amount`, an integer from 0 to 2^30 − 1, to counter `index` in `thread`'s own stripe. */
  add(thread: ThreadId, index: number, amount: number): void {
    addTo(this.#words, this.at(thread, index), amount);
  }

  /** What `thread`, and whoever had its id before, has added to counter `index`. */
  of(thread: ThreadId, index: number): number {
    return readFrom(this.#words, this.at(thread, index));
  }

  /** The total of counter `index` over all threads, dead ones included. */
  sum(index: number): number {
    let total = 0;
    for (let thread = 0; thread < MAX_THREADS; thread++)
      total += this.of(thread as ThreadId, index);
    return total;
  }
}

/**
 * Adds `amount` (0 to 2^30 − 1) to the counter at `at`; only the thread that owns the stripe may call
 * it. The common path is one plain load and one plain store: nobody else writes here, and an aligned
 * 32-bit store never tears.
 */
export function addTo(words: Int32Array, at: number, amount: number): void {
  const low = words[at]!;
  const sum = low + amount;
  // The parity is as it was: nothing was carried into it.
  if (((low ^ sum) & LOW_RANGE) === 0) words[at] = sum;
  else carry(words, at, amount);
}

function carry(words: Int32Array, at: number, amount: number): void {
  const low = words[at]!;
  const count = (low & LOW_MASK) + amount;
  // One carry more than `low` tells of: a writer that died between the two stores below left `high` ahead.
  const high = carriesBy(low, words[at + 1]!) + 1;
  // Publishes the carry before the low word that no longer contains it.
  Atomics.store(words, at + 1, high);
  Atomics.store(words, at, ((high & 1) << LOW_BITS) | (count - LOW_RANGE));
}

/** The counter at `at`, which may be any thread's. */
export function readFrom(words: Int32Array, at: number): number {
  for (;;) {
    const high = Atomics.load(words, at + 1);
    const low = Atomics.load(words, at);
    if (high !== Atomics.load(words, at + 1)) continue;
    return carriesBy(low, high) * LOW_RANGE + (low & LOW_MASK);
  }
}

/** The carries that `low` has made: `high`, or one fewer while the parities differ. */
function carriesBy(low: number, high: number): number {
  return high - (((low >>> LOW_BITS) ^ high) & 1);
}
