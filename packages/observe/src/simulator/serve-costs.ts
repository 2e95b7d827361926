/**
 * What it costs to serve a get: taking a buffer from the stock, and making one.
 */
import { median } from '../analyser/trend-test.js';
import type { TraceEvent } from '../trace/trace-event.js';

export interface ServeCosts {
  /** How long a get takes that is served from the stock. */
  readonly hitMs: number;
  /** How much longer it takes when a buffer of so many bytes has to be made: a slice, or direct, of private memory. */
  readonly makeMs: (size: number, direct: boolean) => number;
}

const HIT_MS = 0.0005;
const SLICE_MS = 0.001;
const DIRECT_MS = 0.003;
/** Private memory is zeroed before it is handed out, and its pages are mapped when they are first written. */
const DIRECT_MS_PER_BYTE = 0.2 / (1024 * 1024);
/** Fewer than these tell nothing. */
const LEAST_HITS = 20;

/**
 * As seen on one machine with the default factory: 0.5 µs from the stock; 1 µs more for a slice; 3 µs and 200 µs a MiB
 * more for private memory. Ratios hold better than figures.
 */
export const DEFAULT_COSTS: ServeCosts = costs(1);

/**
 * The costs where a trace was recorded: the default ones times so much as gets from the stock took longer there, by the
 * median of what the trace tells; the default ones where it tells of less than 20.
 */
export function costsOf(trace: Iterable<TraceEvent>): ServeCosts {
  const hitsMs: number[] = [];
  let made = false;
  for (const { type, durationMs, failed } of trace) {
    const hit = type === 'retrieved' && !made && !failed;
    if (hit && durationMs !== undefined) hitsMs.push(durationMs);
    made = type === 'allocated';
  }
  if (hitsMs.length < LEAST_HITS) return DEFAULT_COSTS;
  const medianMs = median(hitsMs);
  return medianMs > 0 ? costs(medianMs / HIT_MS) : DEFAULT_COSTS;
}

function costs(factor: number): ServeCosts {
  return {
    hitMs: factor * HIT_MS,
    makeMs: (size, direct) => factor * (direct ? DIRECT_MS + size * DIRECT_MS_PER_BYTE : SLICE_MS),
  };
}
