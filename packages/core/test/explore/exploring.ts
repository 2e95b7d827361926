/**
 * Exploring: runs what ships under the schedules of a case, and keeps a record of how many those were.
 *
 *   word 0 …     notes: what the threads of a case tell each other beside the structure
 *   word AT …    the structure
 *
 * Plain notes are the sharpest check there is: two threads that touch one, with nothing to order them,
 * are a data race, which the exploration reports in whatever order they came.
 *
 * MILLRACE_DEEPER=1 allows each case one more preemption, and ten times as many random schedules, but not
 * more than half a minute: to be set after a change.
 */
import { Waiter, type ThreadId } from '@millrace/core';
import { explore, type Case, type Mode, type Report } from '@millrace/interleave';
import { appendFileSync, mkdirSync } from 'node:fs';
import { expect, vi } from 'vitest';

// Minutes on a machine that has other things to do. Nothing here waits for anything, so nothing hangs.
vi.setConfig({ testTimeout: 300_000 });

const DEEPER = Number(process.env['MILLRACE_DEEPER'] ?? 0);
const MOST_MS = 30_000;

/** Where the structure begins. The words before it are notes. */
export const AT = 32;

/** The record of all explorations of a test run, a line a case; `npm test` adds it up. */
const reports = new URL('../../../../.reports/', import.meta.url);

/** A limit that the schedule decides about: it ends a wait whenever it likes. */
export const SOMETIME = { timeoutMs: 1 };

/** A waiter that parks at once: spinning is but many looks. It has seen already that it may block. */
const waiter = new Waiter({ mostSpinMs: 0 });
waiter.mayBlock(new Int32Array(new SharedArrayBuffer(4)), 0);
export const parking = { waiter };

/** The id of the thread with this index. */
export function idOf(index: number): ThreadId {
  return (index + 1) as ThreadId;
}

/** The id of the thread that sweeps up after the one with this index. */
export function sweeperOf(index: number): ThreadId {
  return (5 + index) as ThreadId;
}

/** The highest id there is, that of one who looks when all is over. */
export const OBSERVER = 9 as ThreadId;

/**
 * Explores a case, and expects that no schedule of it fails, and that there were no others: all of them
 * were run, or all within the bound on preemptions, or as many random ones as were asked for.
 */
export function expectNoFault(of: Omit<Case, 'name'>): Report {
  const name = expect.getState().currentTestName ?? 'a case';
  const before = process.cpuUsage();
  const report = explore({ ...(DEEPER > 0 ? { most: { ms: MOST_MS } } : {}), ...of, name });
  if (DEEPER > 0) expect(report.schedules).toBeGreaterThan(0);
  else if (of.mode?.kind === 'random') expect(report.schedules).toBe(of.mode.schedules);
  else expect(report).toMatchObject({ complete: true });
  // Not by the clock: others may use the machine.
  const cpuMs = Math.round(process.cpuUsage(before).user / 1000);
  const { schedules, complete, longest, setAside } = report;
  mkdirSync(reports, { recursive: true });
  const line = JSON.stringify({ name, schedules, complete, cpuMs, longest, setAside });
  appendFileSync(new URL('explorations.jsonl', reports), `${line}\n`);
  return report;
}

/** Explores all schedules with so many preemptions at most. */
export function within(preemptions: number): Mode {
  return { kind: 'exhaustive', preemptions: preemptions + DEEPER };
}

/** Explores so many schedules at random, the same ones each time. */
export function random(schedules: number, depth = 3): Mode {
  return { kind: 'random', schedules: schedules * 10 ** DEEPER, depth };
}

/** Throws, unless it is so. Much faster than `expect`, which would run in every schedule. */
export function ensure(truth: boolean, otherwise: string): void {
  if (!truth) throw new Error(otherwise);
}

/** Whether `action` ended with the error `code`. */
export function endsWith(code: string, action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch (error) {
    if ((error as { code?: unknown }).code === code) return true;
    throw error;
  }
}
