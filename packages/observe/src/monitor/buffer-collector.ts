/** Collectors: what a monitor hands its events to. These three are there; a `TraceRecorder` is one as well. */
import {
  BUFFER_CLASSES,
  BUFFER_EVENT_TYPES,
  type BufferClass,
  type BufferEventType,
  type ThreadId,
} from '@millrace/core';
import { HistogramStripes } from '@millrace/core/internal';
import type { MonitoredEvent } from './event-words.js';

/** Gets every event that a monitor reads; what it throws harms nobody and is counted. */
export interface BufferCollector {
  collectEvent(event: MonitoredEvent): void;
  /** What it has found: a plain object. */
  metrics(): object;
  /** Begins anew. */
  reset(): void;
}

export interface CounterMetrics {
  /**
   * Events that were read, by what happened. `allocated`, `destroyed`, `corruption` and `leak` are exact, but for what was dropped; so is
   * all, where every use is told of. Where uses are sampled, `retrieved`, `returned`, `reset` and `resized` are estimates.
   */
  readonly events: Readonly<Record<BufferEventType, number>>;
  /** The same, by class. */
  readonly classes: Readonly<Record<BufferClass, number>>;
  /** Those that did not succeed: exact, but for what was dropped. */
  readonly failed: number;
  /** Bytes that were asked for by those that were `retrieved`: an estimate as that is. */
  readonly bytes: number;
}

/** Counts events by type and class. */
export class EventCounters implements BufferCollector {
  readonly #events = new Map<BufferEventType, number>();
  readonly #classes = new Map<BufferClass, number>();
  #failed = 0;
  #bytes = 0;

  collectEvent({ eventType, class: of, size, success, weight }: MonitoredEvent): void {
    this.#events.set(eventType, (this.#events.get(eventType) ?? 0) + weight);
    this.#classes.set(of, (this.#classes.get(of) ?? 0) + weight);
    if (!success) this.#failed += weight;
    else if (eventType === 'retrieved') this.#bytes += size * weight;
  }

  metrics(): CounterMetrics {
    const events = BUFFER_EVENT_TYPES.map((type) => [type, this.#events.get(type) ?? 0]);
    const classes = BUFFER_CLASSES.map((of) => [of, this.#classes.get(of) ?? 0]);
    return {
      events: Object.fromEntries(events) as CounterMetrics['events'],
      classes: Object.fromEntries(classes) as CounterMetrics['classes'],
      failed: this.#failed,
      bytes: this.#bytes,
    };
  }

  reset(): void {
    this.#events.clear();
    this.#classes.clear();
    this.#failed = 0;
    this.#bytes = 0;
  }
}

export interface LatencyMetrics {
  /** Events that were seen: not an estimate of all. */
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const MICROSECONDS = 1000;
const LONGEST_US = 2 ** 40;
/** Collectors are of the monitor's thread alone. */
const ONLY_THREAD = 1 as ThreadId;

/** How long what it is about took, by type: see `BufferEvent.durationMs`. To the microsecond, within 1/64. */
export class LatencyHistograms implements BufferCollector {
  readonly #histograms = new Map<BufferEventType, HistogramStripes>();

  collectEvent({ eventType, durationMs }: MonitoredEvent): void {
    let histogram = this.#histograms.get(eventType);
    if (!histogram) {
      const shape = { threads: 2, largest: LONGEST_US };
      histogram = new HistogramStripes(new Int32Array(HistogramStripes.words(shape)), 0, shape);
      this.#histograms.set(eventType, histogram);
    }
    const microseconds = Math.min(LONGEST_US, Math.max(0, durationMs * MICROSECONDS));
    histogram.recorder(ONLY_THREAD).record(microseconds);
  }

  /** By type, of which there were any. */
  metrics(): Partial<Record<BufferEventType, LatencyMetrics>> {
    const entries = [...this.#histograms].map(([type, histogram]) => {
      const snapshot = histogram.snapshot();
      const ms = (microseconds: number): number => microseconds / MICROSECONDS;
      const metrics: LatencyMetrics = {
        count: snapshot.count,
        meanMs: ms(snapshot.mean),
        p50Ms: ms(snapshot.percentile(50)),
        p99Ms: ms(snapshot.percentile(99)),
        maxMs: ms(snapshot.max),
      };
      return [type, metrics];
    });
    return Object.fromEntries(entries) as Partial<Record<BufferEventType, LatencyMetrics>>;
  }

  reset(): void {
    this.#histograms.clear();
  }
}

/** Keeps the latest events. */
export class RecentEvents implements BufferCollector {
  readonly #most: number;
  readonly #events: MonitoredEvent[] = [];
  #next = 0;

  /** @param most how many it keeps. @defaultValue 256 */
  constructor(most = 256) {
    this.#most = most;
  }

  collectEvent(event: MonitoredEvent): void {
    this.#events[this.#next] = event;
    this.#next = (this.#next + 1) % this.#most;
  }

  /** Oldest first. */
  metrics(): { readonly events: readonly MonitoredEvent[] } {
    const events = this.#events;
    if (events.length < this.#most) return { events: [...events] };
    return { events: [...events.slice(this.#next), ...events.slice(0, this.#next)] };
  }

  reset(): void {
    this.#events.length = 0;
    this.#next = 0;
  }
}
