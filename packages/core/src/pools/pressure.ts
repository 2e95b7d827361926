/**
 * Memory pressure: how short memory is, by what is used of what there may be.
 *
 *   share of the limit   0 ─────────── 72 % ── 80 % ── 85.5 % ── 95 % ── 100 %
 *   elevated                          left ◀── entered
 *   critical                                          left ◀──── entered
 *
 * A level is left at nine tenths of where it is entered, so that it does not flutter. Time lost to waiting
 * for memory counts too, where the system tells it: memory may be short long before its limit is reached.
 */

export type MemoryPressure = 'normal' | 'elevated' | 'critical';

/** What one source says of memory. */
export interface MemoryReading {
  /** Who says so: `pools`, `process`, `cgroup` … */
  readonly source: string;
  /** Bytes that are in use and cannot be had at once. */
  readonly usedBytes: number;
  /** The most that can be in use; Infinity for no limit. */
  readonly limitBytes: number;
  /** Of the last ten seconds, the percentage in which something waited for memory. */
  readonly stalledPercent?: number;
}

/** Reads one source; `undefined` when that has nothing to say. It must not take long: the caller waits. */
export type MemoryProbe = () => MemoryReading | undefined;

/** Where levels are entered. */
export interface PressureThresholds {
  readonly elevated: number;
  readonly critical: number;
}

export const ELEVATED_SHARE = 0.8;
export const CRITICAL_SHARE = 0.95;
const LEFT_AT = 0.9;

/** In percent of the time: a tenth is felt, and at two fifths little else gets done. */
const STALLED: PressureThresholds = { elevated: 10, critical: 40 };
const STALLED_LEFT_AT = 0.5;

const LEVELS: readonly MemoryPressure[] = ['normal', 'elevated', 'critical'];

/** The level of one source. It remembers where it stood, and so does not flutter. */
export class PressureGauge {
  #used = 0;
  #stalled = 0;

  /** @param thresholds in bytes; by default shares of the reading's limit */
  take(
    { usedBytes, limitBytes, stalledPercent = 0 }: MemoryReading,
    thresholds: PressureThresholds = {
      elevated: limitBytes * ELEVATED_SHARE,
      critical: limitBytes * CRITICAL_SHARE,
    },
  ): MemoryPressure {
    this.#used = levelOf(usedBytes, thresholds, LEFT_AT, this.#used);
    this.#stalled = levelOf(stalledPercent, STALLED, STALLED_LEFT_AT, this.#stalled);
    return LEVELS[Math.max(this.#used, this.#stalled)]!;
  }
}

/** Whether `level` is worse than `other`. */
export function isWorse(level: MemoryPressure, other: MemoryPressure): boolean {
  return LEVELS.indexOf(level) > LEVELS.indexOf(other);
}

function levelOf(
  value: number,
  { elevated, critical }: PressureThresholds,
  leftAt: number,
  before: number,
): number {
  if (value >= critical || (before === 2 && value > critical * leftAt)) return 2;
  if (value >= elevated || (before >= 1 && value > elevated * leftAt)) return 1;
  return 0;
}
