/**
 * The figures of a buffer manager, over all its pools and what it has beside them.
 */

export interface BufferMetrics {
  /** Buffers that there are, in stock and in use. */
  readonly totalBuffers: number;
  /** Buffers in use. */
  readonly activeBuffers: number;
  /** Bytes of memory that all buffers take, in stock and in use, private memory included. */
  readonly totalMemoryUsage: number;
  /** The most that {@link totalMemoryUsage} has been. */
  readonly peakMemoryUsage: number;
  /**
   * Buffers handed out a second: those of the running second and of the nine before it, divided by that
   * time (9 to 10 s), or by the manager's age where that is less. Seconds are counted from its making.
   */
  readonly allocationRate: number;
  /** Buffers that came back a second, over the same time. */
  readonly deallocationRate: number;
  /**
   * Gets served from the stock / all gets that were served, since the beginning; 1 before the first. One that
   * was served from private memory, or with a buffer that is too large for the stock, was not served from it.
   */
  readonly hitRate: number;
  /**
   * 0 to 100: 100 × {@link hitRate} × memory efficiency × (1 − {@link fragmentationRatio}).
   *
   * Memory efficiency is the part of the memory that is needed: bytes that the most buffers in use at once lately
   * take (over the last ten upkeeps, for each class), / {@link totalMemoryUsage}; 1 while there is none.
   */
  readonly efficiencyScore: number;
  /**
   * The part of the memory of buffers in use that nobody asked for: 1 − bytes asked for / bytes of memory that
   * they take; 0 while none is in use.
   */
  readonly fragmentationRatio: number;
}
