/** Cgroups of the tests' own, where this machine lets them be made. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** The two kinds: where they are, and the files of a limit and of how often it was hit for good. */
const KINDS = [
  { root: '/sys/fs/cgroup', limit: 'memory.max', kills: 'memory.events' },
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', kills: 'memory.oom_control' },
] as const;

type Kind = (typeof KINDS)[number];

export interface RealCgroup {
  /** What a process writes its number to. */
  readonly processes: string;
  /** How many processes were killed in it. */
  kills(): number;
}

/** The kind of cgroup that can be made here, or why none can. */
export const kind: Kind | string = find();

/** A cgroup whose processes may use `limitBytes`. It is gone when the test ends, which its processes must before. */
export function realCgroup(of: Kind, limitBytes: number): RealCgroup {
  const folder = join(of.root, `millrace-test-${process.pid}`);
  mkdirSync(folder);
  onTestFinished(() => rmdirSync(folder));
  writeFileSync(join(folder, of.limit), String(limitBytes));
  return {
    processes: join(folder, 'cgroup.procs'),
    kills() {
      const found = /^oom_kill (\d+)$/m.exec(readFileSync(join(folder, of.kills), 'utf8'));
      if (!found) throw new Error(`${of.kills} does not tell of kills`);
      return Number(found[1]);
    },
  };
}

function find(): Kind | string {
  if (process.platform !== 'linux') return 'only Linux has them';
  if (process.getuid?.() !== 0) return 'only root may make them';
  let why = 'memory has no controller';
  for (const candidate of KINDS) {
    const folder = join(candidate.root, `millrace-trial-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch (error) {
      why = String(error);
      continue;
    }
    const controlled = existsSync(join(folder, candidate.limit));
    rmdirSync(folder);
    if (controlled) return candidate;
  }
  return why;
}
