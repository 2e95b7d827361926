/**
 * Reads from the events of buffers how they are used, which way that goes, and what will be needed.
 *
 * Its time is that of the events, and of a clock where one is given: it reads no other. Its memory does not grow with the
 * number of events: sums over panes, steps and hours, and the leases that go on.
 * What it is told of counts as often as it says (`weight`). So of a sample, frequencies, sizes, lifetimes and means of what is in use are
 * estimates that are right on average; optimal pool sizes are corrected for what chance adds; peaks, and so predictions, are not, and
 * are too high by some √(n × buffers in use) where one use in n is told of.
 */
import { BUFFER_CLASSES, type BufferClass } from '@millrace/core';
import type { TraceEvent } from '../trace/trace-event.js';
import {
  checkedAnalyzerConfig,
  type AnalyzerConfig,
  type AnalyzerOptions,
} from './analyzer-config.js';
import { Capacities } from './capacities.js';
import { DemandHistory } from './demand-history.js';
import { Leases, type Lease } from './leases.js';
import { PANES, PatternWindow, type BufferPattern } from './pattern.js';
import { peakFrom, predictionsFrom, type BufferPredictions } from './predictions.js';
import { TrendWindow, type TrendDirections } from './trend-window.js';

/** So many pairs of class and tag are told apart at one time. */
const MOST_TAGS = 256;

export interface BufferTrends extends TrendDirections {
  /**
   * The beginning of the hour that will have the most leases within `predictionHorizonMs`, or now, if that is it. `undefined` where
   * the forecast of leases has less confidence than `confidenceThreshold`.
   */
  readonly predictedPeakMs: number | undefined;
  /** Leases a second in that hour. */
  readonly predictedLoad: number | undefined;
}

export interface BufferAnalysis {
  /** Of each class, then of each tag within a class; only of those of which a lease began in the window, or goes on. */
  readonly patterns: readonly BufferPattern[];
  readonly trends: BufferTrends;
  readonly predictions: BufferPredictions;
}

/** A lease, and which patterns it counts for. */
interface CountedLease extends Lease {
  readonly windows: readonly PatternWindow[];
}

export class BufferAnalyzer {
  readonly config: AnalyzerConfig;
  readonly #clock: () => number;
  readonly #leases = new Leases<CountedLease>();
  readonly #capacities: Capacities;
  readonly #classes = new Map<BufferClass, PatternWindow>();
  readonly #tags = new Map<string, PatternWindow>();
  readonly #trends: TrendWindow;
  readonly #demand = new DemandHistory();
  #nowMs = Number.NEGATIVE_INFINITY;
  /** Until then it is of no use to look for idle tags again. */
  #tagsBusyUntilMs = Number.NEGATIVE_INFINITY;
  #leasesOfOtherTags = 0;

  /**
   * @param clock Milliseconds on the clock of the events. Without one, it is as late as the latest event.
   * @throws `ERR_INVALID_ARG` for settings that cannot be
   */
  constructor(config?: AnalyzerOptions, clock = (): number => Number.NEGATIVE_INFINITY) {
    this.config = checkedAnalyzerConfig(config);
    this.#clock = clock;
    this.#capacities = new Capacities(this.config.bufferSizes);
    this.#trends = new TrendWindow(this.config.trendAnalysisPeriodMs);
  }

  /** Leases whose tag was one too many to be told apart; they count for their class all the same. */
  get leasesOfOtherTags(): number {
    return this.#leasesOfOtherTags;
  }

  /**
   * Takes note of an event. An earlier one than the latest counts as if it came with that, but for its buffer's lifetime.
   *
   * A lease begins with `retrieved` and ends with `returned`; or, if that was not seen, with `destroyed` or the next `retrieved` of the same
   * buffer. `allocated` tells how large the buffer is. Other events, and those that failed, only tell the time.
   */
  processEvent(event: TraceEvent): void {
    this.#advance(event.timestampMs);
    if (event.failed) return;
    if (event.type === 'retrieved') {
      this.#begin(event);
    } else if (event.type === 'allocated') {
      this.#capacities.made(event);
    } else if (event.type === 'returned') {
      this.#end(this.#leases.end(event.id), event.timestampMs);
    } else if (event.type === 'destroyed') {
      this.#capacities.destroyed(event.id);
      this.#end(this.#leases.end(event.id), undefined);
    }
  }

  /**
   * How buffers are used: of each class, then of each tag within a class; only of those of which a lease began in the window, or
   * goes on.
   */
  patterns(): BufferPattern[] {
    const nowMs = this.#read();
    const inOrder = BUFFER_CLASSES.flatMap((of) => this.#classes.get(of) ?? []);
    return [...inOrder, ...this.#tags.values()].flatMap((window) => window.pattern(nowMs) ?? []);
  }

  /** Which way it goes, and when the most is to be expected. */
  trends(): BufferTrends {
    const nowMs = this.#read();
    const { predictionHorizonMs, confidenceThreshold } = this.config;
    const peak = peakFrom(this.#demand, nowMs, predictionHorizonMs, confidenceThreshold);
    return {
      ...this.#trends.directions(),
      predictedPeakMs: peak?.atMs,
      predictedLoad: peak?.load,
    };
  }

  /** What will be needed in the next hour, day and week. */
  predictions(): BufferPredictions {
    return predictionsFrom(this.#demand, this.#read());
  }

  /** All that there is to tell. */
  analyzePerformance(): BufferAnalysis {
    return {
      patterns: this.patterns(),
      trends: this.trends(),
      predictions: this.predictions(),
    };
  }

  #begin(event: TraceEvent): void {
    const { id, class: of, tag, size, timestampMs, weight = 1 } = event;
    const windows = [this.#classWindow(of)];
    const tagged = tag === undefined ? undefined : this.#tagWindow(of, tag);
    if (tagged) windows.push(tagged);
    const capacity = this.#capacities.of(event);
    const lease = { class: of, size, capacity, sinceMs: timestampMs, weight, windows };
    this.#end(this.#leases.begin(id, lease), undefined);
    for (const window of windows) window.begin(lease, this.#nowMs);
    this.#trends.begin(lease, this.#nowMs);
    this.#demand.begin(lease, this.#nowMs);
  }

  /** @param atMs when it was returned; `undefined` if that was not seen */
  #end(lease: CountedLease | undefined, atMs: number | undefined): void {
    if (lease === undefined) return;
    const lifetimeMs = atMs === undefined ? undefined : Math.max(0, atMs - lease.sinceMs);
    for (const window of lease.windows) window.end(lease, lifetimeMs, this.#nowMs);
    this.#trends.end(lease, this.#nowMs);
    this.#demand.end(lease, this.#nowMs);
  }

  #classWindow(of: BufferClass): PatternWindow {
    let window = this.#classes.get(of);
    if (!window) {
      window = new PatternWindow(of, undefined, this.config.patternWindowSizeMs);
      this.#classes.set(of, window);
    }
    return window;
  }

  #tagWindow(of: BufferClass, tag: string): PatternWindow | undefined {
    const key = keyOf(of, tag);
    const known = this.#tags.get(key);
    if (known) return known;
    if (this.#tags.size >= MOST_TAGS) this.#forgetIdleTags();
    if (this.#tags.size >= MOST_TAGS) {
      this.#leasesOfOtherTags += 1;
      return undefined;
    }
    const window = new PatternWindow(of, tag, this.config.patternWindowSizeMs);
    this.#tags.set(key, window);
    return window;
  }

  /** Hardly more of them are idle before the window has slid on, and to look takes long. */
  #forgetIdleTags(): void {
    if (this.#nowMs < this.#tagsBusyUntilMs) return;
    this.#tagsBusyUntilMs = this.#nowMs + this.config.patternWindowSizeMs / PANES;
    for (const [key, window] of this.#tags) {
      if (window.pattern(this.#nowMs) === undefined) this.#tags.delete(key);
    }
  }

  #advance(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }

  /** Brings everything up to now. Before any event and without a clock, there is no time yet. */
  #read(): number {
    this.#advance(this.#clock());
    if (this.#nowMs === Number.NEGATIVE_INFINITY) return 0;
    this.#trends.advance(this.#nowMs);
    this.#demand.advance(this.#nowMs);
    return this.#nowMs;
  }
}

function keyOf(of: BufferClass, tag: string): string {
  return `${of}:${tag}`;
}
