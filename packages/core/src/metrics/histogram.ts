/**
 * A histogram in shared memory: every thread records into a stripe of its own with plain loads and
 * stores, and any thread reads them all without stopping anyone.
 *
 *   stripe   EXTREMES  greatest and least value (see `versioned-number.ts`), one line
 *            LOW       one word a bucket: bit 31 the parity of HIGH │ bits 0–30 the count modulo 2^31
 *            HIGH      one word a bucket: carries out of LOW
 *
 * LOW and HIGH are the pair of the striped counters: the carry is stored before the low word that no
 * longer contains it, and the parity tells a reader who comes between the two. HIGH lies apart from
 * LOW because a carry comes once in 2^31, and LOW alone then fits the cache twice as well.
 *
 * How many stripes and buckets there are is an argument of what lies beneath {@link Histogram}, so that
 * a very small one can be explored.
 *
 * What must hold: one thread at a time records under a thread id. A dead thread's values stay, and its
 * successor adds to them. A value whose thread dies while recording it is counted or not.
 */
import { MillraceError } from '../errors.js';
import { LINE, MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { LARGEST, bucketOf } from './histogram-buckets.js';
import { HistogramSnapshot } from './histogram-snapshot.js';
import { NUMBER_WORDS, loadNumber, storeNumber, versionOf } from './versioned-number.js';

const GREATEST = 0;
const LEAST = NUMBER_WORDS;
const LOW = LINE;

const COUNT_MASK = 0x7fffffff;
const COUNT_RANGE = 2 ** 31;

/** How large a histogram is. */
export interface HistogramShape {
  /** Stripes: one more than the highest thread id. */
  readonly threads: number;
  /** The largest value, 2^53 at most. */
  readonly largest: number;
}

/** 1,568 buckets are 49 lines, so that its stripes are whole lines. */
const FULL: HistogramShape = { threads: MAX_THREADS, largest: LARGEST };

/** One thread's way into a histogram. */
export class HistogramRecorder {
  readonly #words: Int32Array;
  readonly #stripe: number;
  readonly #largest: number;
  #least: number;
  #greatest: number;

  /** For {@link Histogram.recorder}. */
  constructor(words: Int32Array, stripe: number, largest: number) {
    this.#words = words;
    this.#stripe = stripe;
    this.#largest = largest;
    const used = versionOf(words, stripe + LEAST) > 0;
    this.#least = used ? loadNumber(words, stripe + LEAST) : Infinity;
    this.#greatest = used ? loadNumber(words, stripe + GREATEST) : -Infinity;
  }

  /**
   * Counts `value`. Fractions count towards the whole number beneath them.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when it is not from 0 to 2^53
   */
  record(value: number): void {
    if (!(value >= this.#least && value <= this.#greatest)) this.#stretch(value);
    const words = this.#words;
    const at = this.#stripe + LOW + bucketOf(value);
    const low = words[at]!;
    if ((low & COUNT_MASK) !== COUNT_MASK) words[at] = low + 1;
    else this.#carry(at, low);
  }

  /** The first value, or one beyond the extremes: greatest first, for whoever sees LEAST takes both as set. */
  #stretch(value: number): void {
    if (!(value >= 0 && value <= this.#largest)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot record ${value} as a value must be a number from 0 to ${this.#largest}`,
      );
    }
    if (value > this.#greatest) {
      this.#greatest = value;
      storeNumber(this.#words, this.#stripe + GREATEST, value);
    }
    if (value < this.#least) {
      this.#least = value;
      storeNumber(this.#words, this.#stripe + LEAST, value);
    }
  }

  #carry(at: number, low: number): void {
    const highAt = at + bucketsOf(this.#largest);
    const carries = carriesBy(low, this.#words[highAt]!) + 1;
    // Publishes the carry before the low word that no longer contains it.
    Atomics.store(this.#words, highAt, carries);
    Atomics.store(this.#words, at, carries << 31);
  }
}

/** The stripes of a histogram of any shape: {@link Histogram} is the one that users have. */
export class HistogramStripes {
  readonly #words: Int32Array;
  readonly #at: number;
  readonly #threads: number;
  readonly #largest: number;
  readonly #buckets: number;
  readonly #stripeWords: number;

  /** How many words one of this shape takes; those of unused thread ids are never touched. */
  static words({ threads, largest }: HistogramShape): number {
    return threads * stripeWordsOf(bucketsOf(largest));
  }

  /**
   * A histogram over shared memory; zeroed words are an empty one.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when its words do not fit
   */
  constructor(words: Int32Array, at: number, shape: HistogramShape) {
    const takes = HistogramStripes.words(shape);
    if (!Number.isInteger(at) || at < 0 || at + takes > words.length) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make a histogram at word ${String(at)} of ${words.length} as it takes ${takes}`,
      );
    }
    this.#words = words;
    this.#at = at;
    this.#threads = shape.threads;
    this.#largest = shape.largest;
    this.#buckets = bucketsOf(shape.largest);
    this.#stripeWords = stripeWordsOf(this.#buckets);
  }

  /** What `thread` records with; it goes on with what was recorded under that id before. */
  recorder(thread: ThreadId): HistogramRecorder {
    return new HistogramRecorder(this.#words, this.#stripe(thread), this.#largest);
  }

  /** What `thread`, and whoever had its id before, recorded. */
  of(thread: ThreadId): HistogramSnapshot {
    const stripe = this.#stripe(thread);
    const counts = new Float64Array(this.#buckets);
    if (!this.#isUsed(stripe)) return new HistogramSnapshot(counts);
    this.#addTo(counts, stripe);
    const least = loadNumber(this.#words, stripe + LEAST);
    const greatest = loadNumber(this.#words, stripe + GREATEST);
    return new HistogramSnapshot(counts, least, greatest);
  }

  /** What all threads recorded, dead ones included. */
  snapshot(): HistogramSnapshot {
    const counts = new Float64Array(this.#buckets);
    let least = Infinity;
    let greatest = -Infinity;
    for (const stripe of this.#stripes()) {
      this.#addTo(counts, stripe);
      least = Math.min(least, loadNumber(this.#words, stripe + LEAST));
      greatest = Math.max(greatest, loadNumber(this.#words, stripe + GREATEST));
    }
    return new HistogramSnapshot(counts, least, greatest);
  }

  /** How many thread ids ever recorded, and the words that a stripe takes. */
  stats(): { stripes: number; stripeWords: number } {
    return { stripes: [...this.#stripes()].length, stripeWords: this.#stripeWords };
  }

  #addTo(counts: Float64Array, stripe: number): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      counts[bucket]! += this.#countAt(stripe + LOW + bucket);
    }
  }

  #countAt(at: number): number {
    const words = this.#words;
    for (;;) {
      const high = Atomics.load(words, at + this.#buckets);
      const low = Atomics.load(words, at);
      if (high !== Atomics.load(words, at + this.#buckets)) continue;
      return carriesBy(low, high) * COUNT_RANGE + (low & COUNT_MASK);
    }
  }

  *#stripes(): Generator<number> {
    for (let thread = 1; thread < this.#threads; thread++) {
      const stripe = this.#stripe(thread as ThreadId);
      if (this.#isUsed(stripe)) yield stripe;
    }
  }

  /** LEAST is written at the first value. */
  #isUsed(stripe: number): boolean {
    return versionOf(this.#words, stripe + LEAST) > 0;
  }

  #stripe(thread: ThreadId): number {
    return this.#at + thread * this.#stripeWords;
  }
}

/**
 * How often values of each magnitude were recorded, to within 1/64, by any number of threads at once.
 *
 * Source: G. Tene's HdrHistogram, for the buckets.
 */
export class Histogram extends HistogramStripes {
  /** How many words a histogram takes; those of unused thread ids are never touched. */
  static override words(): number {
    return HistogramStripes.words(FULL);
  }

  /**
   * A histogram over shared memory; zeroed words are an empty one.
   *
   * @param at where in `words` its {@link Histogram.words} begin; best a multiple of 32
   * @throws MillraceError `ERR_INVALID_ARG` when they do not fit
   */
  constructor(words: Int32Array, at: number) {
    super(words, at, FULL);
  }
}

function bucketsOf(largest: number): number {
  return bucketOf(largest) + 1;
}

function stripeWordsOf(buckets: number): number {
  return LOW + 2 * buckets;
}

/** The carries that `low` has made: `high`, or one fewer while the parities differ. */
function carriesBy(low: number, high: number): number {
  return high - (((low >>> 31) ^ high) & 1);
}
