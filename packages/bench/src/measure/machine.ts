/** What the figures were measured on: without it, nobody can read them later. */
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const WATCH_MS = 500;
/** Above this, contenders fight with others for the cores rather than with each other. */
const BUSY_PERCENT = 10;

export interface Machine {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** How much of all cores others used right before, in percent: what they take, the contenders lack. */
  readonly othersPercent: number;
}

export async function machine(): Promise<Machine> {
  return {
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()} ${arch()}`,
    othersPercent: await othersPercent(),
  };
}

/** What a reader must know of figures from a machine that others used too; nothing of a quiet one. */
export function warningOf(percent: number): string | undefined {
  if (percent <= BUSY_PERCENT) return undefined;
  return `Others used ${Math.round(percent)} % of this machine right before: ask again when it is quiet.`;
}

/** How much of all cores is in use, in percent, while this process waits. */
export async function othersPercent(): Promise<number> {
  const before = cpuTimes();
  await sleep(WATCH_MS);
  const after = cpuTimes();
  const total = after.total - before.total;
  return total > 0 ? 100 * (1 - (after.idle - before.idle) / total) : 0;
}

function cpuTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}
