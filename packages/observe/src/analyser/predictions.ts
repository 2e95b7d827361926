/** What will be needed in the next hour, day and week, from the forecasts of single hours. */
import { BUFFER_CLASSES, type BufferClass } from '@millrace/core';
import { HOUR_MS, type DemandHistory, type HourlyForecasts } from './demand-history.js';
import { confidenceOf } from './forecast.js';

/** What has to be there for all of a span of time. */
export interface BufferDemand {
  /** Small buffers in use at one time, at most. */
  readonly smallBuffers: number;
  /** Medium buffers in use at one time, at most. */
  readonly mediumBuffers: number;
  /** Large buffers in use at one time, at most. */
  readonly largeBuffers: number;
  /** Huge buffers in use at one time, at most. */
  readonly hugeBuffers: number;
  /** Bytes of all these together: each class at its own peak. */
  readonly totalMemory: number;
  /** Bytes in use at one time, at most: classes do not all have their peak in the same hour. */
  readonly peakMemory: number;
}

export interface BufferPredictions {
  readonly nextHour: BufferDemand;
  readonly nextDay: BufferDemand;
  readonly nextWeek: BufferDemand;
  /**
   * 0 to 1: which share of what varies from hour to hour, in bytes of buffers needed, is foretold a day ahead, tried on the latest
   * week; see {@link confidenceOf}. Below 0.5, take the figures for no more than what is usual.
   */
  readonly confidence: number;
  /** When the predictions were made. */
  readonly updatedAtMs: number;
  /** The hours of the next week one by one; the first has begun. */
  readonly hours: readonly HourPrediction[];
}

export interface HourPrediction {
  readonly startMs: number;
  readonly demand: BufferDemand;
  /** Leases begun a second. */
  readonly load: number;
}

export interface PredictedPeak {
  readonly atMs: number;
  /** Leases begun a second. */
  readonly load: number;
}

export function predictionsFrom(history: DemandHistory, nowMs: number): BufferPredictions {
  const forecasts = history.forecasts();
  const demand = (first: number, last: number): BufferDemand =>
    demandOf(history, forecasts, first, last);
  const within = (hours: number): BufferDemand =>
    demand(0, hoursUntil(nowMs + hours * HOUR_MS, forecasts));
  return {
    nextHour: within(1),
    nextDay: within(24),
    nextWeek: within(7 * 24),
    confidence: confidenceIn(history, forecasts),
    updatedAtMs: nowMs,
    hours: Array.from(forecasts.leases.values, (leases, at) => ({
      startMs: (forecasts.firstHour + at) * HOUR_MS,
      demand: demand(at, at + 1),
      load: (leases / HOUR_MS) * 1000,
    })),
  };
}

/** The hour with the most leases within the horizon; `undefined` where the forecast cannot be trusted so far. */
export function peakFrom(
  history: DemandHistory,
  nowMs: number,
  horizonMs: number,
  confidenceThreshold: number,
): PredictedPeak | undefined {
  const forecasts = history.forecasts();
  if (confidenceOf(forecasts.leases.trials) < confidenceThreshold) return undefined;
  const values = forecasts.leases.values.subarray(0, hoursUntil(nowMs + horizonMs, forecasts));
  const most = Math.max(...values);
  return {
    atMs: Math.max(nowMs, (forecasts.firstHour + values.indexOf(most)) * HOUR_MS),
    load: (most / HOUR_MS) * 1000,
  };
}

/** How many hours from the first that is foretold begin before this time. */
function hoursUntil(endMs: number, { firstHour }: HourlyForecasts): number {
  return Math.ceil(endMs / HOUR_MS) - firstHour;
}

/** From the hour `first` to that before `last`. The hour that has begun needs no less than it has needed so far. */
function demandOf(
  history: DemandHistory,
  { buffers, memory }: HourlyForecasts,
  first: number,
  last: number,
): BufferDemand {
  const { peaks, peakBytes } = history.soFar;
  const most = (values: Float64Array, soFar: number): number =>
    Math.max(...values.subarray(first, last), first === 0 ? soFar : 0);
  // What rounding adds makes no buffer more.
  const needed = (of: BufferClass): number =>
    Math.max(0, Math.ceil(most(buffers[of].values, peaks[of]) - 1e-6));
  const totalMemory = BUFFER_CLASSES.reduce(
    (sum, of) => sum + needed(of) * history.meanBytes(of),
    0,
  );
  return {
    smallBuffers: needed('small'),
    mediumBuffers: needed('medium'),
    largeBuffers: needed('large'),
    hugeBuffers: needed('huge'),
    totalMemory: Math.round(totalMemory),
    peakMemory: Math.round(Math.min(totalMemory, most(memory.values, peakBytes))),
  };
}

function confidenceIn(history: DemandHistory, { buffers, leases }: HourlyForecasts): number {
  if (leases.trials === undefined) return 0;
  let error = 0;
  let variation = 0;
  for (const of of BUFFER_CLASSES) {
    const { trials } = buffers[of];
    error += history.meanBytes(of) * (trials?.error ?? 0);
    variation += history.meanBytes(of) * (trials?.variation ?? 0);
  }
  return confidenceOf({ error, variation });
}
