/** The most memory that a process has had resident so far. */
import { readFileSync } from 'node:fs';

const KIB = 1024;

/**
 * Of this process, in bytes.
 *
 * Linux counts what the parent held when it started this process into `maxRSS`, but not into the high
 * water mark of the address space, which begins anew with the program.
 */
export function peakMemoryBytes(): number {
  return peakMemoryOf('self') ?? process.resourceUsage().maxRSS * KIB;
}

/** Of any process, in bytes, where the system tells. */
export function peakMemoryOf(pid: number | 'self'): number | undefined {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined; // Not Linux.
  }
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) * KIB;
}
