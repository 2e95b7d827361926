/**
 * The figures of a pool of managed buffers.
 */

export interface PoolStatistics {
  /** Buffers that were made since the beginning: {@link currentSize} + {@link active} + {@link buffersDestroyed}. */
  readonly buffersCreated: number;
  /** Buffers that were handed out: {@link hits} + {@link misses}. */
  readonly buffersRetrieved: number;
  /** Buffers that came back: {@link buffersRetrieved} − {@link active}. */
  readonly buffersReturned: number;
  /** Buffers whose memory went back: too old, unfit, or more than are kept. */
  readonly buffersDestroyed: number;
  /** Of those destroyed, the ones that were unfit. */
  readonly buffersCorrupted: number;
  /** Gets that were served from the stock. */
  readonly hits: number;
  /** Gets for which a buffer had to be made. */
  readonly misses: number;
  /** {@link hits} / {@link buffersRetrieved}; 1 before the first get. */
  readonly hitRate: number;
  /** 1 − {@link hitRate}. */
  readonly missRate: number;
  /** Bytes of memory that its buffers take, those in stock and those in use. */
  readonly memoryUsage: number;
  /** The most that {@link memoryUsage} has been. */
  readonly peakMemoryUsage: number;
  /** Buffers in stock. */
  readonly currentSize: number;
  /** The most that {@link currentSize} has been. */
  readonly peakSize: number;
  /** Buffers in use. */
  readonly active: number;
  /** The most in use at once lately: over the last ten upkeeps. */
  readonly recentPeak: number;
}
