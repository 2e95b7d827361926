/** The most memory that this process has had resident so far. */
import { readFileSync } from 'node:fs';

const KIB = 1024;

/**
 * In bytes.
 *
 * Linux counts what the parent held when it started this process into `maxRSS`, but not into the high
 * water mark of the address space, which begins anew with the program.
 */
export function peakMemoryBytes(): number {
  const kib = highWaterMark() ?? process.resourceUsage().maxRSS;
  return kib * KIB;
}

function highWaterMark(): number | undefined {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return undefined; // Not Linux.
  }
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib);
}
