/**
 * How the managers of a thread stand, as numbers in a row: sums since they came to be watched, and levels. So whoever
 * misses some rows has lost nothing once the next one is there.
 *
 *   0  epoch     of the thread: how often its number had been given out
 *   1  memory    of all its buffers
 *   2  then of each class, what FIELDS says
 */
import { BUFFER_CLASSES, type BufferClass, type BufferManager } from '@millrace/core';

/** Sums, of which a sample has what came in its interval. */
const SUMS = ['retrieved', 'hits', 'returned', 'corrupted'] as const;
/** Levels, which are added up. */
const LEVELS = ['inUse', 'inStock', 'recentPeak', 'memoryUsage', 'leaked', 'pools'] as const;
/** Of which the greatest counts. */
const GREATEST = ['longestHeldMs', 'bufferSize', 'initialSize', 'maxSize'] as const;
/** Of which the least counts: 0 is `false`. */
const LEAST = ['validateOnGet', 'validateOnPut'] as const;
const FIELDS = [...SUMS, ...LEVELS, ...GREATEST, ...LEAST];
const ADDED = SUMS.length + LEVELS.length;
const FIRST_LEAST = ADDED + GREATEST.length;

type Field = (typeof FIELDS)[number];

const EPOCH = 0;
const MEMORY = 1;
const HEADER = 2;
const NUMBERS = HEADER + BUFFER_CLASSES.length * FIELDS.length;

export const FIGURES_WORDS = NUMBERS * 2;

/** What is said of one class. */
export type ClassFigures = Readonly<Record<Field, number>>;

/** What was added up over threads, of one interval. */
export interface SummedFigures {
  readonly memoryUsage: number;
  readonly classes: Readonly<Record<BufferClass, ClassFigures>>;
}

type Row = Float64Array;

/** The figures of a thread: of all the managers that are watched there. */
export class ThreadFigures {
  /** As it is written into a ring. */
  readonly words = new Int32Array(FIGURES_WORDS);
  readonly #row: Row = new Float64Array(this.words.buffer);
  readonly #epoch: number;
  /** By manager, what its sums were when it came to be watched. */
  readonly #managers = new Map<BufferManager, Row>();
  /** Sums of those that are watched no more. */
  readonly #past = blank();

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  get managers(): Iterable<BufferManager> {
    return this.#managers.keys();
  }

  add(manager: BufferManager): void {
    if (!this.#managers.has(manager)) this.#managers.set(manager, rowOf(manager));
  }

  remove(manager: BufferManager): void {
    const base = this.#managers.get(manager);
    if (base === undefined) return;
    this.#managers.delete(manager);
    addSums(this.#past, rowOf(manager), 1);
    addSums(this.#past, base, -1);
  }

  /** Brings {@link words} up to date. */
  refresh(): Int32Array {
    const row = this.#row;
    row.set(this.#past);
    for (const [manager, base] of this.#managers) {
      addRow(row, rowOf(manager));
      addSums(row, base, -1);
    }
    row[EPOCH] = this.#epoch;
    return this.words;
  }
}

interface Entry {
  /** Its sums at the end of the last interval. */
  base: Row;
  latest: Row;
}

/** The latest figures of every thread, and those of the last interval. */
export class FiguresBoard {
  readonly #entries = new Map<number, Entry>();
  readonly #words = new Int32Array(FIGURES_WORDS);
  readonly #read: Row = new Float64Array(this.#words.buffer);
  /** Sums of threads that have ended in this interval. */
  #ended = blank();

  /** Where a row is to be read to, for {@link note}. */
  get words(): Int32Array {
    return this.#words;
  }

  /** The row that was read is the latest of this thread, or of another that has its number now. @returns its epoch */
  note(thread: number): number {
    const latest = this.#read.slice();
    const epoch = latest[EPOCH]!;
    if (this.epochOf(thread) !== epoch) this.forget(thread);
    const entry = this.#entries.get(thread);
    if (entry === undefined) this.#entries.set(thread, { base: blank(), latest });
    else entry.latest = latest;
    return epoch;
  }

  /** The threads that are there. */
  get threads(): number[] {
    return [...this.#entries.keys()];
  }

  epochOf(thread: number): number | undefined {
    return this.#entries.get(thread)?.latest[EPOCH];
  }

  /** A thread is there no more, and nor are its buffers; what it did in this interval counts. */
  forget(thread: number): void {
    const entry = this.#entries.get(thread);
    if (entry === undefined) return;
    this.#entries.delete(thread);
    addSums(this.#ended, entry.latest, 1);
    addSums(this.#ended, entry.base, -1);
  }

  /** Adds up the interval that ends now, and begins the next. */
  sum(): SummedFigures {
    const row = this.#ended;
    for (const entry of this.#entries.values()) {
      addRow(row, entry.latest);
      addSums(row, entry.base, -1);
      entry.base = entry.latest;
    }
    this.#ended = blank();
    const figuresOf = (of: BufferClass): ClassFigures => {
      const entries = FIELDS.map((field, at) => [field, row[placeOf(of, at)]!]);
      return Object.fromEntries(entries) as ClassFigures;
    };
    const classes = {
      small: figuresOf('small'),
      medium: figuresOf('medium'),
      large: figuresOf('large'),
      huge: figuresOf('huge'),
    };
    return { memoryUsage: row[MEMORY]!, classes };
  }
}

/** Of nothing at all. */
function blank(): Row {
  const row = new Float64Array(NUMBERS);
  eachField((place, field) => (row[place] = field < FIRST_LEAST ? 0 : 1));
  return row;
}

function rowOf(manager: BufferManager): Row {
  const row = new Float64Array(NUMBERS);
  const { pools, bufferSizes, leakAfterMs } = manager.settings;
  const held = leakAfterMs === Infinity ? [] : manager.leaks(leakAfterMs);
  row[MEMORY] = manager.metrics().totalMemoryUsage;
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
    FIELDS.forEach((field, at) => (row[placeOf(of, at)] = figures[field]));
  }
  return row;
}

/** Adds one row to another, each number as its kind says. */
function addRow(row: Row, other: Row): void {
  row[MEMORY] = row[MEMORY]! + other[MEMORY]!;
  eachField((place, field) => {
    const [a, b] = [row[place]!, other[place]!];
    row[place] = field < ADDED ? a + b : field < FIRST_LEAST ? Math.max(a, b) : Math.min(a, b);
  });
}

/** Adds the sums alone, so many times. */
function addSums(row: Row, other: Row, times: 1 | -1): void {
  eachField((place, field) => {
    if (field < SUMS.length) row[place] = row[place]! + times * other[place]!;
  });
}

function eachField(call: (place: number, field: number) => void): void {
  for (const of of BUFFER_CLASSES) FIELDS.forEach((_, at) => call(placeOf(of, at), at));
}

function placeOf(of: BufferClass, field: number): number {
  return HEADER + BUFFER_CLASSES.indexOf(of) * FIELDS.length + field;
}
