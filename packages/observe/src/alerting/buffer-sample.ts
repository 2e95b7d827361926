/** What an interval was like: the figures that alerting judges, plain numbers with a time. */
import type { BufferClass } from '@millrace/core';

/** Buffers of one class: what came to pass in the interval, and how it stood at its end. */
export interface ClassSample {
  /** Gets that were served in the interval, from the pool of the class. */
  readonly retrieved: number;
  /** Of these, the ones that were served from the stock. */
  readonly hits: number;
  /** Buffers that came back in the interval. */
  readonly returned: number;
  /** Buffers that were found to be unfit in the interval. */
  readonly corrupted: number;
  /** Gets in the interval for which there was no memory. */
  readonly failed: number;
  /** Buffers in use at its end. */
  readonly inUse: number;
  /** Buffers in stock at its end. */
  readonly inStock: number;
  /** The most in use at once lately, of each thread, added up. */
  readonly recentPeak: number;
  /** Bytes that they take at its end. */
  readonly memoryUsage: number;
  /** Buffers that have been in use for longer than `leakAfterMs`, at its end. */
  readonly leaked: number;
  /** How long the oldest of these has been in use; 0 when there is none. */
  readonly longestHeldMs: number;
  /** How many pools were added up: each thread has its own. */
  readonly pools: number;
  /** Bytes of a buffer of the pool. */
  readonly bufferSize: number;
  /** Settings of a pool; where pools differ, the largest. */
  readonly initialSize: number;
  readonly maxSize: number;
  readonly validateOnGet: boolean;
  readonly validateOnPut: boolean;
}

export interface BufferSample {
  /** The end of the interval, in milliseconds, on any clock that does not go back. */
  readonly timestampMs: number;
  /** Bytes that all buffers take, those beside the pools included. */
  readonly memoryUsage: number;
  readonly classes: Readonly<Record<BufferClass, ClassSample>>;
}
