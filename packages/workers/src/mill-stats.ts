/** What a mill tells of itself. */
import type { DegradationStep } from '@millrace/core';
import type { LargeStats } from './dispatch/large-operations.js';

export interface MillStats {
  /** The threads that are ready for work; `nice` is the niceness that they run at. */
  threads: {
    id: number;
    threadId: number;
    name: string;
    nice: number;
    /** Remote objects that live there. */
    remotes: number;
  }[];
  /** Tasks by outcome; `rerun` counts those given to another thread after a death, `deaths` the threads. */
  tasks: {
    submitted: number;
    completed: number;
    failed: number;
    rerun: number;
    /** Tasks that were tried again since they had failed. */
    retried: number;
    inFlight: number;
    run: number;
  };
  deaths: number;
  /** Threads that made way for others, see `recycle`. */
  recycled: number;
  /** How often a thread that computed for long let the mill's own thread, which waited for it, have its processor. Linux alone. */
  gaveWay: number;
  /** `unhealthy` once too many threads have died in a row, see `maxDeathsInARow`. */
  health: 'ok' | 'unhealthy';
  /** What ended the thread that died last; `undefined` when none has. */
  lastCause: unknown;
  /** Large operations, or their bytes where `maxLargeOpBytes` caps them. */
  largeOps: LargeStats;
  /**
   * Operations by the strategy with which they began, as `mill.adaptive.stats()` tells in full; those that wait for
   * memory now; steps down, by what was taken instead, and the last of them in words.
   */
  strategies: {
    pooled: number;
    chunked: number;
    direct: number;
    waiting: number;
    degradations: Record<DegradationStep, number>;
    lastDegradation: string | undefined;
  };
  /** Bytes that workers have read and written for tasks. */
  bytes: { in: number; out: number };
  memory: { limit: number; open: number; arena: { kind: 'wasm' | 'plain'; reason?: string } };
  slices: { leased: number; returned: number; swept: number; live: number };
}
