/**
 * What the directions of allocation, size, usage and efficiency are read from: sums over the steps of a period.
 */
import type { Lease } from './leases.js';
import { TimeSteps } from './time-steps.js';
import { trendOf, type TrendDirection } from './trend-test.js';

/** Whole steps in a period. With more of them, what rises and falls again once in the period would pass for a trend. */
const STEPS = 20;

/** Which way things have gone in the last `trendAnalysisPeriodMs`, by the test of {@link trendOf}. */
export interface TrendDirections {
  /** Of the leases begun in each step. */
  readonly allocationTrend: TrendDirection;
  /** Of the mean bytes asked for; steps in which no lease began are left out. */
  readonly sizeTrend: TrendDirection;
  /** Of the buffers in use, on average over each step. */
  readonly usageTrend: TrendDirection;
  /** Of the bytes asked for divided by the bytes lent; steps in which no lease began are left out. */
  readonly efficiencyTrend: TrendDirection;
}

export class TrendWindow {
  readonly #steps: TimeSteps<Step>;
  #inUse = 0;

  constructor(periodMs: number) {
    this.#steps = new TimeSteps(periodMs / STEPS, STEPS + 1, () => ({
      leases: 0,
      bytes: 0,
      capacity: 0,
      inUseMs: 0,
    }));
  }

  advance(nowMs: number): void {
    this.#steps.advance(nowMs, (step, forMs) => (step.inUseMs += this.#inUse * forMs));
  }

  begin({ size, capacity, weight }: Lease, nowMs: number): void {
    this.advance(nowMs);
    const step = this.#steps.current;
    step.leases += weight;
    step.bytes += weight * size;
    step.capacity += weight * capacity;
    this.#inUse += weight;
  }

  end({ weight }: Lease, nowMs: number): void {
    this.advance(nowMs);
    this.#inUse -= weight;
  }

  directions(): TrendDirections {
    const steps = this.#steps.whole();
    const used = steps.filter(({ leases }) => leases > 0);
    return {
      allocationTrend: trendOf(steps.map(({ leases }) => leases)),
      sizeTrend: trendOf(used.map(({ bytes, leases }) => bytes / leases)),
      usageTrend: trendOf(steps.map(({ inUseMs }) => inUseMs / this.#steps.widthMs)),
      efficiencyTrend: trendOf(used.map(({ bytes, capacity }) => bytes / capacity)),
    };
  }
}

interface Step {
  leases: number;
  bytes: number;
  capacity: number;
  /** Buffers in use × milliseconds. */
  inUseMs: number;
}
