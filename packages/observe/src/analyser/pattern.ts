/**
 * Usage patterns: what one class of buffers, or one tag within a class, is used for and how, over a sliding window.
 *
 * The window is made of twelve panes. Each holds sums, so that memory does not depend on how much happens.
 */
import type { BufferClass } from '@millrace/core';
import type { Lease } from './leases.js';
import { LevelTimes } from './level-times.js';
import { Moments } from './moments.js';
import { TimeSteps } from './time-steps.js';

export const PANES = 12;

/** Pools are made large enough for all but this share of the time. */
const TAIL = 0.99;
/** The same in deviations above the mean, where it cannot be seen. */
const TAIL_DEVIATIONS = 2.3263;

/** How buffers of a class were used in the last `patternWindowSizeMs`. */
export interface BufferPattern {
  /** The class, or `class:tag`. */
  readonly name: string;
  readonly class: BufferClass;
  /** `undefined` for the class as a whole. */
  readonly tag: string | undefined;
  /** Bytes that were asked for, on average over the leases that began in the window; over those that go on if none began. */
  readonly averageSize: number;
  /** λ: leases begun a second. */
  readonly usageFrequency: number;
  /** W: mean time from `retrieved` to `returned`, of the leases that ended in the window. */
  readonly lifetimeMeanMs: number;
  /** Standard deviation of the same, with n − 1 beneath; 0 for less than two. */
  readonly lifetimeStdDevMs: number;
  /**
   * How many buffers a pool should have: the 99th percentile over time of N, the number in use at once, but at least λW, rounded up.
   *
   * Source: J. D. C. Little, "A proof for the queuing formula L = λW" (1961): λW is the mean of N. A pool of the mean
   * would be short of buffers half of the time, hence the percentile. Of a sample that is not seen: then it is the mean of N and 2.33 deviations, what
   * chance adds being taken off, see `tailOfSample`.
   */
  readonly optimalPoolSize: number;
  /** How well the class fits: bytes that were asked for, divided by bytes of the buffers lent; over the same leases as `averageSize`. */
  readonly efficiency: number;
}

/** Of a tag's leases within one class, or of all of a class. */
export class PatternWindow {
  readonly #class: BufferClass;
  readonly #tag: string | undefined;
  readonly #panes: TimeSteps<Pane>;
  #inUse = new Held();

  constructor(bufferClass: BufferClass, tag: string | undefined, windowMs: number) {
    this.#class = bufferClass;
    this.#tag = tag;
    this.#panes = new TimeSteps(windowMs / PANES, PANES, () => new Pane());
  }

  advance(nowMs: number): void {
    this.#panes.advance(nowMs, (pane, forMs) => pane.inUse.add(this.#inUse.leases, forMs));
  }

  begin(lease: Lease, nowMs: number): void {
    this.advance(nowMs);
    this.#panes.current.begun.add(lease);
    this.#inUse.add(lease);
  }

  /** @param lifetimeMs `undefined` where it is not known */
  end(lease: Lease, lifetimeMs: number | undefined, nowMs: number): void {
    this.advance(nowMs);
    if (lifetimeMs !== undefined) this.#panes.current.lifetimes.add(lifetimeMs);
    this.#inUse.remove(lease);
  }

  /** What has been seen until then; `undefined` if no lease began in the window, and none goes on. */
  pattern(nowMs: number): BufferPattern | undefined {
    this.advance(nowMs);
    const whole = new Pane();
    for (const pane of this.#panes.cells) whole.merge(pane);
    const of = whole.begun.leases > 0 ? whole.begun : this.#inUse;
    if (of.leases === 0) return undefined;
    const { coveredMs } = this.#panes;
    const perMs = coveredMs === 0 ? 0 : whole.begun.leases / coveredMs;
    return {
      name: this.#tag === undefined ? this.#class : `${this.#class}:${this.#tag}`,
      class: this.#class,
      tag: this.#tag,
      averageSize: ratio(of.bytes, of.leases),
      usageFrequency: perMs * 1000,
      lifetimeMeanMs: whole.lifetimes.mean,
      lifetimeStdDevMs: whole.lifetimes.stdDev,
      optimalPoolSize: Math.max(tailOf(whole), Math.ceil(perMs * whole.lifetimes.mean - 1e-9)),
      efficiency: ratio(of.bytes, of.capacity),
    };
  }
}

/** Of what has been seen of N, what is not exceeded in `TAIL` of the time. */
function tailOf({ begun, inUse }: Pane): number {
  const weight = begun.told === 0 ? 1 : begun.leases / begun.told;
  return weight === 1 ? inUse.percentile(TAIL) : tailOfSample(inUse, weight);
}

/**
 * When each lease is told of with the chance 1/w, and then counts w times, the level that is seen has the mean of N, but for its
 * variance Var(N) + (w − 1)·E(N). So that of N is known; at the least it is taken to be that of leases which begin by chance, E(N).
 */
function tailOfSample(inUse: LevelTimes, weight: number): number {
  const { mean, variance } = inUse;
  const deviation = Math.sqrt(Math.max(mean, variance - (weight - 1) * mean));
  return Math.ceil(mean + TAIL_DEVIATIONS * deviation);
}

/** So many leases, of so many bytes. */
class Held {
  /** Leases that were seen. */
  told = 0;
  /** Leases that they stand for. */
  leases = 0;
  bytes = 0;
  capacity = 0;

  add(lease: Lease): void {
    this.#count(lease, 1);
  }

  remove(lease: Lease): void {
    this.#count(lease, -1);
  }

  #count({ size, capacity, weight }: Lease, times: 1 | -1): void {
    this.told += times;
    this.leases += times * weight;
    this.bytes += times * weight * size;
    this.capacity += times * weight * capacity;
  }

  merge(other: Held): void {
    this.told += other.told;
    this.leases += other.leases;
    this.bytes += other.bytes;
    this.capacity += other.capacity;
  }
}

class Pane {
  readonly begun = new Held();
  readonly lifetimes = new Moments();
  readonly inUse = new LevelTimes();

  merge(other: Pane): void {
    this.begun.merge(other.begun);
    this.lifetimes.merge(other.lifetimes);
    this.inUse.merge(other.inUse);
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
