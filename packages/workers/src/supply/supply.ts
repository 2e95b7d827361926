/**
 * What operations get of the shared memory, as one thread sees it: by which strategy, and in which line
 * they wait when there is none.
 */
import {
  categoryOf,
  type BufferPools,
  type CheckedConfig,
  type DegradationCause,
  type MemoryPressure,
  type ObjectCategory,
  type PlainStrategy,
} from '@millrace/core';
import { Books, now } from '@millrace/core/internal';
import { PRESSURE } from '../dispatch/layout.js';
import { MemoryLine, type Lot, type Need } from './memory-line.js';

const LEVELS: readonly MemoryPressure[] = ['normal', 'elevated', 'critical'];

export class Supply {
  readonly line: MemoryLine;
  readonly settings: CheckedConfig;
  /** The most bytes that one slice can have. */
  readonly largest: number;
  /** The most threads there can be. */
  readonly threadCount: number;
  /** Those of the mill's adaptive pool. */
  readonly books: Books;
  /** The last step down, in words. */
  lastDegradation: string | undefined;
  readonly #words: Int32Array;

  /** @param words of the mill's dispatch, where its own thread says how short memory is */
  constructor(pools: BufferPools, words: Int32Array, settings: CheckedConfig, threadCount: number) {
    this.books = new Books(settings.enableDetailedMetrics, now);
    this.line = new MemoryLine(pools, () => this.books.usage.waited());
    this.largest = pools.largest;
    this.settings = settings;
    this.threadCount = threadCount;
    this.#words = words;
  }

  get pressure(): MemoryPressure {
    return LEVELS[Atomics.load(this.#words, PRESSURE)]!;
  }

  /** As {@link MemoryLine.wait}, for as long as the settings say. */
  wait(need: Need, signal: AbortSignal | undefined): Promise<Lot> {
    return this.line.wait(need, { timeoutMs: this.settings.acquireTimeoutMs, signal });
  }

  categoryOf(bytes: number | undefined): ObjectCategory {
    return categoryOf(this.settings, bytes);
  }

  /** An operation on an object of so many bytes begins. */
  began(bytes: number | undefined, strategy: PlainStrategy): void {
    this.books.usage.began(this.categoryOf(bytes), strategy);
  }

  /** It has ended. */
  took(bytes: number | undefined, ms: number): void {
    this.books.usage.took(this.categoryOf(bytes), ms * 1e6);
  }

  /** A slice for a whole object, which one task works on. */
  lentWhole(bytes: number): void {
    this.books.usage.lent(this.categoryOf(bytes), bytes);
  }

  lent({ input, output }: Lot): void {
    if (input) this.books.usage.hit();
    if (output) this.books.usage.hit();
  }

  tookBack({ input, output }: Lot): void {
    if (input) this.books.usage.put();
    if (output) this.books.usage.put();
  }

  /** So many bytes could not be had as `from`. */
  degraded(
    from: PlainStrategy,
    to: Exclude<PlainStrategy, 'pooled'>,
    cause: DegradationCause,
    bytes: number,
    note: string,
  ): void {
    this.lastDegradation = note;
    this.books.ladder.down(from, to, cause, bytes);
  }

  /** Slices of so many bytes were had. */
  had(bytes: number): void {
    const { ladder } = this.books;
    if (ladder.degraded) ladder.had('pooled', bytes);
  }
}

/** Says how short memory is to all threads that submit. */
export function tellPressure(words: Int32Array, pressure: MemoryPressure): void {
  Atomics.store(words, PRESSURE, LEVELS.indexOf(pressure));
}
