/**
 * What was needed in each hour of the last five weeks, by class, and what that lets expect of the hours to come.
 */
import { BUFFER_CLASSES, type BufferClass } from '@millrace/core';
import { WEEK } from './double-seasonal.js';
import { forecastHours, type Forecast } from './forecast.js';
import type { Lease } from './leases.js';
import { TimeSteps } from './time-steps.js';

export const HOUR_MS = 3_600_000;

/** Hours that are kept. */
const KEPT = 5 * WEEK;
/** Hours that are foretold: a week from any time within the first of them. */
const AHEAD = WEEK + 1;

export interface HourlyForecasts {
  /** The number of the first hour that is foretold, from the epoch; it has begun. */
  readonly firstHour: number;
  /** Most buffers in use at one time. */
  readonly buffers: Readonly<Record<BufferClass, Forecast>>;
  /** Most bytes in use at one time. */
  readonly memory: Forecast;
  /** Leases begun. */
  readonly leases: Forecast;
}

export class DemandHistory {
  readonly #hours = new TimeSteps(HOUR_MS, KEPT + 1, () => new Hour());
  readonly #inUse = counts();
  #bytesInUse = 0;
  readonly #leases = counts();
  readonly #bytes = counts();
  #latest: HourlyForecasts | undefined;

  advance(nowMs: number): void {
    this.#hours.advance(nowMs, (hour) => this.#raisePeaks(hour));
  }

  begin({ class: of, capacity, weight }: Lease, nowMs: number): void {
    this.advance(nowMs);
    this.#inUse[of] += weight;
    this.#bytesInUse += weight * capacity;
    this.#leases[of] += weight;
    this.#bytes[of] += weight * capacity;
    this.#hours.current.leases += weight;
    this.#raisePeaks(this.#hours.current);
  }

  end({ class: of, capacity, weight }: Lease, nowMs: number): void {
    this.advance(nowMs);
    this.#inUse[of] -= weight;
    this.#bytesInUse -= weight * capacity;
  }

  /** Bytes of a buffer of this class, on average over all that were lent; 0 if none was. */
  meanBytes(of: BufferClass): number {
    return this.#leases[of] === 0 ? 0 : this.#bytes[of] / this.#leases[of];
  }

  /** What this hour has needed so far; nothing before time began. */
  get soFar(): {
    readonly peaks: Readonly<Record<BufferClass, number>>;
    readonly peakBytes: number;
  } {
    return this.#hours.cells.at(-1) ?? new Hour();
  }

  /** Made anew once an hour. Until the first whole hour is over, what it has seen stands for all. */
  forecasts(): HourlyForecasts {
    const whole = this.#hours.whole();
    const firstHour = this.#hours.step;
    if (this.#latest?.firstHour === firstHour && whole.length > 0) return this.#latest;
    const seen = whole.length > 0 ? whole : this.#hours.cells;
    // What is seen of no whole hour counts as of this one: one before may be before time began, and no season is told from it.
    const forecast = (value: (hour: Hour) => number): Forecast =>
      forecastHours(seen.map(value), firstHour - whole.length, AHEAD);
    this.#latest = {
      firstHour,
      buffers: {
        small: forecast(({ peaks }) => peaks.small),
        medium: forecast(({ peaks }) => peaks.medium),
        large: forecast(({ peaks }) => peaks.large),
        huge: forecast(({ peaks }) => peaks.huge),
      },
      memory: forecast(({ peakBytes }) => peakBytes),
      leases: forecast(({ leases }) => leases),
    };
    return this.#latest;
  }

  #raisePeaks(hour: Hour): void {
    for (const of of BUFFER_CLASSES) hour.peaks[of] = Math.max(hour.peaks[of], this.#inUse[of]);
    hour.peakBytes = Math.max(hour.peakBytes, this.#bytesInUse);
  }
}

class Hour {
  leases = 0;
  /** Most buffers in use at one time. */
  readonly peaks = counts();
  peakBytes = 0;
}

function counts(): Record<BufferClass, number> {
  return { small: 0, medium: 0, large: 0, huge: 0 };
}
