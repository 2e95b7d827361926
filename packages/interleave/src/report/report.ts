/**
 * What an exploration tells of itself.
 */
export interface Report {
  readonly name: string;
  /** Schedules that were run to their end, each different from the others. */
  readonly schedules: number;
  /** True when that was all of them: all classes of equivalent ones, or all within the bound on preemptions. */
  readonly complete: boolean;
  /** With a bound on preemptions: how many schedules have 0, 1, 2 … of them. */
  readonly byPreemptions: readonly number[];
  /** Steps that were performed. A schedule shares most of its steps with the one before. */
  readonly steps: number;
  /** Steps of the longest schedule. */
  readonly longest: number;
  /** Schedules that were given up because an equivalent one had been run. */
  readonly pruned: number;
  /** How often a spinning thread was set aside. Not 0: see `spins`. */
  readonly setAside: number;
  readonly ms: number;
  readonly perSecond: number;
}

/** A report in one line. */
export function summary(report: Report): string {
  const { name, schedules, complete, longest, pruned, ms, perSecond } = report;
  const count = `${complete ? 'all ' : ''}${grouped(schedules)} ${schedules === 1 ? 'schedule' : 'schedules'}`;
  return `${name}: ${count} of up to ${longest} steps in ${Math.round(ms)} ms (${grouped(Math.round(perSecond))}/s, ${grouped(pruned)} pruned)`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
