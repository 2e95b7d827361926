/**
 * What an adaptive pool has done: counters of one thread, which cost an addition each, and what detailed
 * metrics add to them, which cost a clock.
 */
import { HistogramSnapshot } from '../metrics/histogram-snapshot.js';
import { BUCKETS, bucketOf } from '../metrics/histogram-buckets.js';
import type { ObjectCategory } from './category.js';
import type { PlainStrategy } from './strategy.js';

/** What the garbage collector did to a process. */
export interface GcImpact {
  /** Collections. */
  readonly count: number;
  /** How long the thread stood still for them, together. */
  readonly pauseMs: number;
  readonly longestPauseMs: number;
  /** Bytes that they freed, as far as that is known. */
  readonly freedBytes: number;
}

/** How long operations took, in nanoseconds; all 0 when none was timed. */
export interface LatencyStats {
  readonly count: number;
  readonly averageNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
}

/** What stood in for what could not be had: a chunk for a buffer, private memory for a chunk, the least of it. */
export type DegradationStep = 'chunked' | 'direct' | 'emergency';

export interface BufferPoolStats {
  /** Buffers and chunks handed out. */
  totalGets: number;
  /** Buffers and chunks that came back. */
  totalPuts: number;
  /** Gets that the pools served, without memory of their own. */
  poolHits: number;
  /** Gets that took private memory. */
  poolMisses: number;
  /** Gets without their put. */
  activeBuffers: number;

  /** Operations, which are buffers acquired, copies and tees, by the size of their object. */
  smallObjectOps: number;
  mediumObjectOps: number;
  largeObjectOps: number;
  veryLargeObjectOps: number;

  /** The same by the strategy with which they began. */
  pooledOperations: number;
  chunkedOperations: number;
  directOperations: number;
  /** The same by both. */
  operations: Record<ObjectCategory, Record<PlainStrategy, number>>;

  /**
   * How long operations took from their begin to their end: of a buffer, until its release. All 0 unless
   * `enableDetailedMetrics`.
   */
  averageLatencyNs: Record<ObjectCategory, number>;
  latency: Record<ObjectCategory, LatencyStats>;

  /** Bytes of the objects worked on, so far as they are done. */
  servedBytes: number;
  /** Bytes of private memory that were allocated for that. */
  allocatedBytes: number;
  /**
   * The part of {@link servedBytes} for which nothing had to be allocated: 1 − allocatedBytes / servedBytes,
   * at least 0. 1 when nothing was allocated, and 0 when each byte had one of its own.
   */
  memoryEfficiency: number;

  /** Chunks read by copies and tees. */
  chunks: number;
  /** Gets that had to wait for memory of the pools. */
  waits: number;
  /** Operations that had to wait for a permit of the cap. */
  queuedOperations: number;
  /** How often each step down the ladder was taken. */
  degradations: Record<DegradationStep, number>;
  /** How often all was well again after that. */
  recoveries: number;
  /** Whether it is not, now. */
  degraded: boolean;
  /** Buffers that were forgotten without a release. Known with `enableDetailedMetrics` alone. */
  leakedBuffers: number;
  /** Since it is watched. Only with `enableDetailedMetrics`, and where somebody can tell. */
  gc?: GcImpact;
}

/** Counters of {@link Usage}. The first twelve are operations, by category and strategy. */
const GETS = 12;
const MISSES = 13;
const PUTS = 14;
const SERVED = 15;
const ALLOCATED = 16;
const CHUNKS = 17;
const WAITS = 18;
const LEAKS = 19;
const QUEUED = 20;
const COUNTERS = 21;

const SMALL = 0;
const MEDIUM = 3;
const LARGE = 6;
const VERY_LARGE = 9;

/** Where the counters of a category begin. */
const ROWS: Record<ObjectCategory, number> = {
  small: SMALL,
  medium: MEDIUM,
  large: LARGE,
  veryLarge: VERY_LARGE,
};
const COLUMNS: Record<PlainStrategy, number> = { pooled: 0, chunked: 1, direct: 2 };

export class Usage {
  readonly #counts = new Float64Array(COUNTERS);
  readonly #latencies: Record<ObjectCategory, LatencyHistogram> | undefined;

  constructor(detailed: boolean) {
    if (!detailed) return;
    this.#latencies = {
      small: new LatencyHistogram(),
      medium: new LatencyHistogram(),
      large: new LatencyHistogram(),
      veryLarge: new LatencyHistogram(),
    };
  }

  /** An operation begins. */
  began(category: ObjectCategory, strategy: PlainStrategy): void {
    this.#counts[ROWS[category] + COLUMNS[strategy]]!++;
  }

  /** An operation was timed. */
  took(category: ObjectCategory, ns: number): void {
    this.#latencies?.[category].record(ns);
  }

  /** A slice for a whole object of so many bytes is handed out. */
  lent(category: ObjectCategory, bytes: number): void {
    const counts = this.#counts;
    counts[ROWS[category]]!++;
    counts[GETS]!++;
    counts[SERVED]! += bytes;
  }

  /** A whole object of so many bytes was copied, in one slice. */
  copied(category: ObjectCategory, bytes: number): void {
    const counts = this.#counts;
    counts[ROWS[category]]!++;
    counts[GETS]!++;
    counts[PUTS]!++;
    if (bytes > 0) counts[CHUNKS]!++;
    counts[SERVED]! += bytes;
  }

  /** A slice is handed out. */
  hit(): void {
    this.#counts[GETS]!++;
  }

  /** A slice is handed out, with a place of its own for its bytes. */
  placed(bytes: number): void {
    this.#counts[ALLOCATED]! += bytes;
  }

  /** Private memory is handed out, of which `allocatedBytes` are new. */
  missed(allocatedBytes: number): void {
    const counts = this.#counts;
    counts[GETS]!++;
    counts[MISSES]!++;
    counts[ALLOCATED]! += allocatedBytes;
  }

  put(): void {
    this.#counts[PUTS]!++;
  }

  served(bytes: number): void {
    this.#counts[SERVED]! += bytes;
  }

  /** A chunk of an object was read, of so many bytes. */
  moved(bytes: number): void {
    this.#counts[CHUNKS]!++;
    this.#counts[SERVED]! += bytes;
  }

  waited(): void {
    this.#counts[WAITS]!++;
  }

  queued(): void {
    this.#counts[QUEUED]!++;
  }

  leaked(): void {
    this.#counts[LEAKS]!++;
  }

  stats(): Omit<BufferPoolStats, 'degradations' | 'recoveries' | 'degraded' | 'gc'> {
    const at = (counter: number): number => this.#counts[counter]!;
    const row = (first: number): Record<PlainStrategy, number> => ({
      pooled: at(first),
      chunked: at(first + 1),
      direct: at(first + 2),
    });
    const sum = (...counters: number[]): number => counters.reduce((s, c) => s + at(c), 0);
    const byCategory = <T>(of: (category: ObjectCategory) => T): Record<ObjectCategory, T> => ({
      small: of('small'),
      medium: of('medium'),
      large: of('large'),
      veryLarge: of('veryLarge'),
    });
    const latency = byCategory((category) => this.#latencies?.[category].stats() ?? UNTIMED);
    const efficiency = at(SERVED) === 0 ? 1 : 1 - at(ALLOCATED) / at(SERVED);
    return {
      totalGets: at(GETS),
      totalPuts: at(PUTS),
      poolHits: at(GETS) - at(MISSES),
      poolMisses: at(MISSES),
      activeBuffers: at(GETS) - at(PUTS),
      smallObjectOps: sum(SMALL, SMALL + 1, SMALL + 2),
      mediumObjectOps: sum(MEDIUM, MEDIUM + 1, MEDIUM + 2),
      largeObjectOps: sum(LARGE, LARGE + 1, LARGE + 2),
      veryLargeObjectOps: sum(VERY_LARGE, VERY_LARGE + 1, VERY_LARGE + 2),
      pooledOperations: sum(SMALL, MEDIUM, LARGE, VERY_LARGE),
      chunkedOperations: sum(SMALL + 1, MEDIUM + 1, LARGE + 1, VERY_LARGE + 1),
      directOperations: sum(SMALL + 2, MEDIUM + 2, LARGE + 2, VERY_LARGE + 2),
      operations: byCategory((category) => row(ROWS[category])),
      averageLatencyNs: byCategory((category) => latency[category].averageNs),
      latency,
      servedBytes: at(SERVED),
      allocatedBytes: at(ALLOCATED),
      memoryEfficiency: Math.max(0, efficiency),
      chunks: at(CHUNKS),
      waits: at(WAITS),
      queuedOperations: at(QUEUED),
      leakedBuffers: at(LEAKS),
    };
  }
}

const UNTIMED: LatencyStats = { count: 0, averageNs: 0, p50Ns: 0, p99Ns: 0, maxNs: 0 };

/** Latencies of one thread, in memory of its own. Percentiles are within 1/64 of the truth. */
class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #least = Infinity;
  #greatest = -Infinity;
  #sum = 0;

  record(ns: number): void {
    // A clock may be set back.
    const value = Math.max(0, ns);
    this.#counts[bucketOf(value)]!++;
    if (value < this.#least) this.#least = value;
    if (value > this.#greatest) this.#greatest = value;
    this.#sum += value;
  }

  stats(): LatencyStats {
    const snapshot = new HistogramSnapshot(this.#counts.slice(), this.#least, this.#greatest);
    const { count } = snapshot;
    if (count === 0) return UNTIMED;
    return {
      count,
      averageNs: this.#sum / count,
      p50Ns: snapshot.percentile(50),
      p99Ns: snapshot.percentile(99),
      maxNs: snapshot.max,
    };
  }
}
