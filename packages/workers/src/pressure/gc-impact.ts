/**
 * What the garbage collector costs this thread: how often it stood still, for how long, and what it got for that.
 *
 * Pauses come from a `PerformanceObserver`, bytes from V8's own profiler, which writes down each collection until
 * it is read: it is read after every few, so that neither its notes nor reading them take long. Off, nothing is
 * connected.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { GCProfiler } from 'node:v8';
import type { GcImpact } from '@millrace/core';

interface HeapUse {
  readonly heapStatistics: { readonly usedHeapSize: number; readonly externalMemory: number };
}

export class GcImpactWatch {
  #count = 0;
  #pauseMs = 0;
  #longestPauseMs = 0;
  #freedBytes = 0;
  #observer: PerformanceObserver | undefined;
  #profiler: GCProfiler | undefined;

  start(): void {
    if (this.#observer) return;
    this.#observer = new PerformanceObserver((list) => this.#take(list.getEntries()));
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#profiler = new GCProfiler();
    this.#profiler.start();
  }

  /** Disconnects; what has been counted stays. */
  stop(): void {
    if (!this.#observer) return;
    this.#take(this.#observer.takeRecords());
    this.#observer.disconnect();
    this.#observer = undefined;
    this.#profiler = undefined;
  }

  /** What has been counted while it was on. */
  figures(): GcImpact {
    if (this.#observer) this.#take(this.#observer.takeRecords());
    return {
      count: this.#count,
      pauseMs: this.#pauseMs,
      longestPauseMs: this.#longestPauseMs,
      freedBytes: this.#freedBytes,
    };
  }

  #take(collections: readonly { readonly duration: number }[]): void {
    if (collections.length === 0) return;
    for (const { duration } of collections) {
      this.#count++;
      this.#pauseMs += duration;
      this.#longestPauseMs = Math.max(this.#longestPauseMs, duration);
    }
    for (const { beforeGC, afterGC } of this.#profiler?.stop()?.statistics ?? []) {
      this.#freedBytes += Math.max(0, bytesIn(beforeGC) - bytesIn(afterGC));
    }
    this.#profiler?.start();
  }
}

function bytesIn({ heapStatistics }: HeapUse): number {
  return heapStatistics.usedHeapSize + heapStatistics.externalMemory;
}
