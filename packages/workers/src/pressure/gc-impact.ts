/**
 * What the garbage collector costs this thread: how often it stood still, for how long, and what it got for that.
 *
 * Pauses come from a `PerformanceObserver`, bytes from V8's own profiler, which writes down each collection until
 * it is read: it is read after every few, so that neither its notes nor reading them take long. Off, nothing is
 * connected.
 */
import { PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { GCProfiler } from 'node:v8';

export type GcKind = 'minor' | 'major' | 'incremental' | 'weak';

export interface GcPauses {
  /** Collections. */
  count: number;
  pauseMs: number;
  longestPauseMs: number;
}

export interface GcFigures extends GcPauses {
  /** Bytes that they freed, of the heap and of array buffers; 0 where that cannot be had. */
  freedBytes: number;
  byKind: Record<GcKind, GcPauses>;
}

/** V8's numbers; 2 is the younger of its two collectors of new objects. */
const KINDS: ReadonlyMap<number, GcKind> = new Map([
  [1, 'minor'],
  [2, 'minor'],
  [4, 'major'],
  [8, 'incremental'],
  [16, 'weak'],
]);

interface GcEntry extends PerformanceEntry {
  readonly detail?: { readonly kind?: number };
}

interface HeapUse {
  readonly heapStatistics: { readonly usedHeapSize: number; readonly externalMemory: number };
}

export class GcImpactWatch {
  #figures = noFigures();
  #observer: PerformanceObserver | undefined;
  #profiler: GCProfiler | undefined;

  get isOn(): boolean {
    return this.#observer !== undefined;
  }

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
  figures(): GcFigures {
    if (this.#observer) this.#take(this.#observer.takeRecords());
    const { byKind, ...all } = this.#figures;
    return { ...all, byKind: structuredClone(byKind) };
  }

  #take(entries: readonly PerformanceEntry[]): void {
    if (entries.length === 0) return;
    for (const entry of entries) {
      const { duration, detail } = entry as GcEntry;
      const kind = KINDS.get(detail?.kind ?? 0);
      count(this.#figures, duration);
      if (kind) count(this.#figures.byKind[kind], duration);
    }
    for (const { beforeGC, afterGC } of this.#profiler?.stop()?.statistics ?? []) {
      this.#figures.freedBytes += Math.max(0, bytesIn(beforeGC) - bytesIn(afterGC));
    }
    this.#profiler?.start();
  }
}

function bytesIn({ heapStatistics }: HeapUse): number {
  return heapStatistics.usedHeapSize + heapStatistics.externalMemory;
}

function count(pauses: GcPauses, ms: number): void {
  pauses.count++;
  pauses.pauseMs += ms;
  pauses.longestPauseMs = Math.max(pauses.longestPauseMs, ms);
}

function noPauses(): GcPauses {
  return { count: 0, pauseMs: 0, longestPauseMs: 0 };
}

function noFigures(): GcFigures {
  const byKind = {
    minor: noPauses(),
    major: noPauses(),
    incremental: noPauses(),
    weak: noPauses(),
  };
  return { ...noPauses(), freedBytes: 0, byKind };
}
