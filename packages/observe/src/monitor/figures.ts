/**
 * The figures of a manager as numbers in a row: sums since its beginning, and how it stands. So whoever misses some has
 * lost nothing once the next ones are there.
 *
 *   0  open      1, or 0 from a manager that is watched no more
 *   1  memory    of all its buffers
 *   2  then of each class, what FIELDS says
 */
import { BUFFER_CLASSES, type BufferClass, type BufferManager } from '@millrace/core';

/** Sums, of which a sample has what came in its interval. */
const SUMS = ['retrieved', 'hits', 'returned', 'corrupted'] as const;
/** Levels, which are added up over threads. */
const LEVELS = ['inUse', 'inStock', 'recentPeak', 'memoryUsage', 'leaked', 'pools'] as const;
/** Of which the greatest of all threads counts. */
const GREATEST = ['longestHeldMs', 'bufferSize', 'initialSize', 'maxSize'] as const;
/** Of which the least counts: 0 is `false`. */
const LEAST = ['validateOnGet', 'validateOnPut'] as const;
const FIELDS = [...SUMS, ...LEVELS, ...GREATEST, ...LEAST];

type Field = (typeof FIELDS)[number];

const HEADER = 2;
const NUMBERS = HEADER + BUFFER_CLASSES.length * FIELDS.length;

export const FIGURES_WORDS = NUMBERS * 2;

/** What a manager says of one class. */
export type ClassFigures = Readonly<Record<Field, number>>;

/** What was added up over managers, of one interval. */
export interface SummedFigures {
  readonly memoryUsage: number;
  readonly classes: Readonly<Record<BufferClass, ClassFigures>>;
}

/** Words for the figures of one manager, written and read in place. */
export class FiguresWords {
  readonly words = new Int32Array(FIGURES_WORDS);
  readonly #numbers = new Float64Array(this.words.buffer);

  write(manager: BufferManager, open: boolean): void {
    const numbers = this.#numbers;
    const { pools, bufferSizes, leakAfterMs } = manager.settings;
    const held = leakAfterMs === Infinity ? [] : manager.leaks(leakAfterMs);
    numbers[0] = open ? 1 : 0;
    numbers[1] = manager.metrics().totalMemoryUsage;
    for (const of of BUFFER_CLASSES) {
      const statistics = manager.statistics(of);
      const settings = pools[of];
      const leaks = held.filter((each) => each.class === of);
      const figures: ClassFigures = {
        retrieved: statistics.buffersRetrieved,
        hits: statistics.hits,
        returned: statistics.buffersReturned,
        corrupted: statistics.buffersCorrupted,
        inUse: statistics.active,
        inStock: statistics.currentSize,
        recentPeak: statistics.recentPeak,
        memoryUsage: statistics.memoryUsage,
        leaked: leaks.length,
        pools: 1,
        // Oldest first.
        longestHeldMs: leaks[0]?.heldMs ?? 0,
        bufferSize: bufferSizes[of],
        initialSize: settings.initialSize,
        maxSize: settings.maxSize,
        validateOnGet: Number(settings.validateOnGet),
        validateOnPut: Number(settings.validateOnPut),
      };
      FIELDS.forEach((field, at) => (numbers[placeOf(of, at)] = figures[field]));
    }
  }

  /** A copy of the numbers, for a {@link FiguresBoard}. */
  numbers(): Float64Array {
    return this.#numbers.slice();
  }
}

interface Entry {
  /** As they were at the end of the last interval. */
  base: Float64Array;
  latest: Float64Array;
}

/** The latest figures of every thread, and those of the last interval. */
export class FiguresBoard {
  readonly #entries = new Map<number, Entry>();

  note(thread: number, latest: Float64Array): void {
    const entry = this.#entries.get(thread);
    if (entry === undefined) this.#entries.set(thread, { base: latest, latest });
    else {
      // Another manager, which began anew.
      if (isBefore(latest, entry.latest)) entry.base = new Float64Array(NUMBERS);
      entry.latest = latest;
    }
  }

  /** A thread is there no more, and nor are its buffers. */
  forget(thread: number): void {
    this.#entries.delete(thread);
  }

  /** Adds up the interval that ends now, and begins the next. */
  sum(): SummedFigures {
    let memoryUsage = 0;
    for (const { latest } of this.#entries.values()) memoryUsage += latest[0]! * latest[1]!;
    const figuresOf = (of: BufferClass): ClassFigures => {
      const entries = FIELDS.map((field, at) => [field, this.#added(field, placeOf(of, at))]);
      return Object.fromEntries(entries) as ClassFigures;
    };
    const classes = {
      small: figuresOf('small'),
      medium: figuresOf('medium'),
      large: figuresOf('large'),
      huge: figuresOf('huge'),
    };
    for (const [thread, entry] of this.#entries) {
      entry.base = entry.latest;
      if (entry.latest[0] === 0) this.#entries.delete(thread);
    }
    return { memoryUsage, classes };
  }

  #added(field: Field, at: number): number {
    const entries = [...this.#entries.values()];
    if (isOneOf(SUMS, field)) {
      return entries.reduce((sum, { latest, base }) => sum + latest[at]! - base[at]!, 0);
    }
    const open = entries.flatMap(({ latest }) => (latest[0] === 1 ? [latest[at]!] : []));
    if (isOneOf(LEVELS, field)) return open.reduce((sum, value) => sum + value, 0);
    if (isOneOf(GREATEST, field)) return Math.max(0, ...open);
    return Math.min(1, ...open);
  }
}

function placeOf(of: BufferClass, field: number): number {
  return HEADER + BUFFER_CLASSES.indexOf(of) * FIELDS.length + field;
}

/** Whether any sum is less than it was. */
function isBefore(numbers: Float64Array, than: Float64Array): boolean {
  return BUFFER_CLASSES.some((of) =>
    SUMS.some((_, at) => numbers[placeOf(of, at)]! < than[placeOf(of, at)]!),
  );
}

function isOneOf(fields: readonly Field[], field: Field): boolean {
  return fields.includes(field);
}
