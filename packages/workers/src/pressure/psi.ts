/**
 * Pressure stall information: how much of the time something waited for memory.
 *
 *   some avg10=12.34 avg60=5.00 avg300=1.00 total=123456
 *   full avg10=0.00 …
 *
 * Linux gives it for the system and for each cgroup, where it is switched on.
 */
import { textOf } from './figures.js';

/** The system's. */
export const SYSTEM_STALL = '/proc/pressure/memory';

/**
 * Of the last ten seconds, the percentage in which at least one task waited for memory; `undefined` where
 * `path` tells nothing of the kind.
 */
export function stalledPercent(path: string): number | undefined {
  const found = /^some avg10=(\d+(?:\.\d+)?) /m.exec(textOf(path) ?? '');
  return found ? Number(found[1]) : undefined;
}
