/** Traces written by hand. */
import { bufferClassOf } from '@millrace/core';
import type { BufferRun, TraceEvent } from '@millrace/observe';

type Step =
  | readonly [ms: number, type: 'get' | 'resize', id: number, size: number]
  | readonly [ms: number, type: 'return', id: number];

const TYPES = { get: 'retrieved', return: 'returned', resize: 'resized' } as const;

export function trace(...steps: Step[]): TraceEvent[] {
  return steps.map(([timestampMs, step, id, size = 0]) => ({
    timestampMs,
    type: TYPES[step],
    id,
    class: bufferClassOf(size),
    size,
  }));
}

/** A run in which nothing happened, but for what is said. */
export function run(figures: Partial<BufferRun>): BufferRun {
  return {
    durationMs: 1000,
    gets: 100,
    hits: 100,
    hitRate: 1,
    failed: 0,
    made: 0,
    peakMemory: 0,
    meanMemory: 0,
    waits: 0,
    waitedMs: 0,
    longestWaitMs: 0,
    meanLatencyMs: 0,
    p99LatencyMs: 0,
    throughput: 0,
    ...figures,
  };
}
