/**
 * Synthetic traces: loads of known shape, from a seed.
 *
 * Gets come as a Poisson process whose rate depends on the time; each buffer is held for an exponential time. A rate that
 * changes is had by thinning: gets are drawn at the highest rate, and each is kept with the chance rate / highest.
 *
 * Source: P. A. W. Lewis, G. S. Shedler, "Simulation of nonhomogeneous Poisson processes by thinning" (1979).
 */
import { MillraceError, bufferClassOf } from '@millrace/core';
import { Random } from './random.js';
import { TimeQueue } from './time-queue.js';
import type { TraceEvent } from './trace-event.js';

/** A part of what is asked for. */
export interface SizeShare {
  /** How often, beside the other shares' weights. */
  readonly weight: number;
  /** Bytes: from `least` to `most`, uniform in their logarithm. */
  readonly least: number;
  readonly most: number;
  /** How long buffers of it are held, on average. @defaultValue that of the load */
  readonly meanHeldMs?: number;
  readonly tag?: string;
}

export interface SyntheticLoad {
  /** The same seed makes the same trace. @defaultValue 1 */
  readonly seed?: number;
  /** When it begins. @defaultValue 0, a Thursday's midnight */
  readonly startMs?: number;
  /** Gets come for so long; buffers come back later too. */
  readonly durationMs: number;
  /** Gets a second, over all the time, on average. */
  readonly ratePerSecond: number;
  /** @defaultValue 10 */
  readonly meanHeldMs?: number;
  /** @defaultValue mostly small: 70 % up to 4 KiB, 20 % up to 64 KiB, 9 % up to 1 MiB, 1 % up to 4 MiB */
  readonly sizes?: readonly SizeShare[];
}

export interface BurstyLoad extends SyntheticLoad {
  /** How long a burst lasts, on average. @defaultValue a hundredth of the load */
  readonly burstMs?: number;
  /** How long it is quiet between, on average. @defaultValue four times `burstMs` */
  readonly quietMs?: number;
  /** How many times the rate of quiet times a burst has; 1 or more. @defaultValue 10 */
  readonly burstFactor?: number;
}

export interface DiurnalLoad extends SyntheticLoad {
  /** How long a day is; seven make a week. @defaultValue 24 hours */
  readonly dayMs?: number;
  /** From 0 to 1: the rate goes up and down by this part of itself, least at midnight. @defaultValue 0.8 */
  readonly swing?: number;
  /** Saturdays and Sundays have this part of the rate of other days; from 0 to 1. @defaultValue 1 */
  readonly weekend?: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const DAY_MS = 86_400_000;
/** The first day of 1970, counted from Monday. */
const THURSDAY = 3;

const MOSTLY_SMALL: readonly SizeShare[] = [
  { weight: 70, least: 256, most: 4 * KiB, tag: 'header' },
  { weight: 20, least: 4 * KiB + 1, most: 64 * KiB, tag: 'body' },
  { weight: 9, least: 64 * KiB + 1, most: MiB, tag: 'file' },
  { weight: 1, least: MiB + 1, most: 4 * MiB, tag: 'media' },
];

/** The same rate at all times. @throws MillraceError `ERR_INVALID_ARG` */
export function steadyTrace(load: SyntheticLoad): Generator<TraceEvent, void> {
  return trace(load, new Random(load.seed ?? 1), () => 1, 1);
}

/** Quiet times and bursts, each of exponential length. @throws MillraceError `ERR_INVALID_ARG` */
export function burstyTrace(load: BurstyLoad): Generator<TraceEvent, void> {
  const { burstMs = load.durationMs / 100, quietMs = 4 * burstMs, burstFactor = 10 } = load;
  need('burstMs', burstMs, burstMs > 0);
  need('quietMs', quietMs, quietMs > 0);
  need('burstFactor', burstFactor, burstFactor >= 1 && burstFactor < Infinity);
  const random = new Random(load.seed ?? 1);
  const quiet = (burstMs + quietMs) / (burstMs * burstFactor + quietMs);
  let bursts = false;
  let untilMs = random.exponential(quietMs);
  const factorAt = (ms: number): number => {
    while (ms >= untilMs) {
      bursts = !bursts;
      untilMs += random.exponential(bursts ? burstMs : quietMs);
    }
    return bursts ? quiet * burstFactor : quiet;
  };
  return trace(load, random, factorAt, quiet * burstFactor);
}

/** A wave a day, and calmer weekends if so wanted. @throws MillraceError `ERR_INVALID_ARG` */
export function diurnalTrace(load: DiurnalLoad): Generator<TraceEvent, void> {
  const { dayMs = DAY_MS, swing = 0.8, weekend = 1, startMs = 0 } = load;
  need('dayMs', dayMs, dayMs > 0);
  need('swing', swing, swing >= 0 && swing <= 1);
  need('weekend', weekend, weekend >= 0 && weekend <= 1);
  /** So that a whole week has the mean rate. */
  const workday = 7 / (5 + 2 * weekend);
  const factorAt = (ms: number): number => {
    const days = (startMs + ms) / dayMs;
    const day = (Math.floor(days) + THURSDAY) % 7;
    const wave = 1 - swing * Math.cos(2 * Math.PI * days);
    return wave * workday * (day >= 5 ? weekend : 1);
  };
  return trace(load, new Random(load.seed ?? 1), factorAt, (1 + swing) * workday);
}

/**
 * @param factorAt is asked for ascending times, in milliseconds from the beginning: the rate there, beside the mean
 * @param highest what `factorAt` never exceeds
 */
function trace(
  load: SyntheticLoad,
  random: Random,
  factorAt: (ms: number) => number,
  highest: number,
): Generator<TraceEvent, void> {
  const { durationMs, ratePerSecond, meanHeldMs = 10, startMs = 0, sizes = MOSTLY_SMALL } = load;
  need('durationMs', durationMs, durationMs > 0 && durationMs < Infinity);
  need('ratePerSecond', ratePerSecond, ratePerSecond > 0 && ratePerSecond < Infinity);
  need('meanHeldMs', meanHeldMs, meanHeldMs >= 0 && meanHeldMs < Infinity);
  need('startMs', startMs, Number.isFinite(startMs));
  for (const { weight, least, most } of sizes) {
    need('sizes.weight', weight, weight > 0);
    need('sizes.least', least, Number.isSafeInteger(least) && least >= 1);
    need('sizes.most', most, Number.isSafeInteger(most) && most >= least);
  }
  const weights = sizes.reduce((sum, { weight }) => sum + weight, 0);
  need('sizes', sizes.length, weights > 0);
  const pick = (): SizeShare => {
    let left = random.next() * weights;
    return sizes.find(({ weight }) => (left -= weight) < 0) ?? sizes[0]!;
  };
  return events(startMs, arrivals(random, durationMs, ratePerSecond * highest, keep), get);

  function keep(ms: number): boolean {
    return random.next() * highest < factorAt(ms);
  }

  function get(atMs: number, id: number): [TraceEvent, heldMs: number] {
    const { least, most, tag, meanHeldMs: own = meanHeldMs } = pick();
    const size = random.between(least, most);
    const of = { id, class: bufferClassOf(size), size, ...(tag !== undefined && { tag }) };
    return [{ timestampMs: atMs, type: 'retrieved', ...of }, random.exponential(own)];
  }
}

function* arrivals(
  random: Random,
  durationMs: number,
  perSecond: number,
  keep: (ms: number) => boolean,
): Generator<number, void> {
  for (let ms = random.exponential(1000 / perSecond); ms < durationMs;) {
    if (keep(ms)) yield ms;
    ms += random.exponential(1000 / perSecond);
  }
}

function* events(
  startMs: number,
  times: Iterable<number>,
  get: (atMs: number, id: number) => [TraceEvent, heldMs: number],
): Generator<TraceEvent, void> {
  const held = new TimeQueue<TraceEvent>();
  let id = 0;
  for (const ms of times) {
    const atMs = startMs + ms;
    while (held.nextMs <= atMs) yield held.pop()!;
    const [event, heldMs] = get(atMs, ++id);
    yield event;
    const returnedMs = atMs + heldMs;
    held.push(returnedMs, {
      ...event,
      timestampMs: returnedMs,
      type: 'returned',
      durationMs: heldMs,
    });
  }
  for (let event = held.pop(); event !== undefined; event = held.pop()) yield event;
}

function need(name: string, value: number, holds: boolean): void {
  if (holds) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot make a synthetic trace with "${name}" of ${String(value)}`,
  );
}
