/**
 * What the process uses of what it may, and where nothing limits it, what the machine has left.
 *
 * `process.constrainedMemory()` knows the limits of both kinds of cgroups. What Node says is available within
 * one counts the page cache as used, which goes as soon as its memory is needed: so the process's own resident
 * memory counts here, and `cgroup.ts` sees to the neighbours.
 */
import { totalmem } from 'node:os';
import type { MemoryProbe, MemoryReading } from '@millrace/core';
import { SYSTEM_STALL, stalledPercent } from './psi.js';

/** A limit seldom changes, and takes longer to read than all the rest: it is read at every so many samples. */
const LIMIT_EVERY = 64;

/** What this needs of Node. Some versions and other runtimes have a part of it only. */
export interface ProcessFigures {
  readonly platform: string;
  /** Bytes that are resident. */
  readonly memoryUsage: { rss(): number };
  /** The limit in bytes; 0, `undefined` or more than there is where nothing limits the process. */
  readonly constrainedMemory?: () => number | undefined;
  /** Bytes that can still be had. */
  readonly availableMemory?: () => number;
}

/**
 * @param figures whom to ask. @defaultValue Node's `process`
 * @param totalBytes what the machine has
 * @param stall where the system tells of stalls
 */
export function processMemory(
  figures: ProcessFigures = process,
  totalBytes = totalmem(),
  stall = SYSTEM_STALL,
): MemoryProbe {
  let limitBytes = Infinity;
  let samples = 0;
  return () => {
    if (samples++ % LIMIT_EVERY === 0) limitBytes = limitOf(figures, totalBytes);
    if (limitBytes < Infinity) {
      return { source: 'process', usedBytes: figures.memoryUsage.rss(), limitBytes };
    }
    return ofTheSystem(figures, totalBytes, stall);
  };
}

function limitOf(figures: ProcessFigures, totalBytes: number): number {
  const limit = figures.constrainedMemory?.() ?? 0;
  return limit > 0 && limit < totalBytes ? limit : Infinity;
}

function ofTheSystem(
  figures: ProcessFigures,
  totalBytes: number,
  stall: string,
): MemoryReading | undefined {
  const available = figures.availableMemory?.() ?? 0;
  // macOS tells of pages that nobody has touched, and of none that it would give at once.
  if (available <= 0 || figures.platform === 'darwin') return undefined;
  const stalled = stalledPercent(stall);
  return {
    source: 'system',
    usedBytes: Math.max(0, totalBytes - available),
    limitBytes: totalBytes,
    ...(stalled === undefined ? {} : { stalledPercent: stalled }),
  };
}
