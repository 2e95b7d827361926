/**
 * What the cgroup (v2) of this process uses of what it may.
 *
 *   /proc/self/cgroup   0::/system.slice/app.service
 *   /sys/fs/cgroup/system.slice/app.service
 *     memory.max, memory.high   the limits, or "max"
 *     memory.current            bytes in use, page cache included
 *     memory.stat               what of that is page cache
 *     memory.events             how often memory ran out
 *     memory.pressure           how much of the time something waited for it
 *
 * A cgroup is also bound by the limits of those above it: the one that is fullest counts. Clean pages of files
 * do not count as used, since the system drops them when their memory is needed: a pump fills any cgroup with them.
 */
import { join, normalize } from 'node:path';
import type { MemoryProbe, MemoryReading } from '@millrace/core';
import { numberBehind, numberIn, textOf } from './figures.js';
import { stalledPercent } from './psi.js';

/** Where to look; tests have trees of their own. */
export interface CgroupPaths {
  /** @defaultValue '/sys/fs/cgroup' */
  readonly root?: string;
  /** What tells the cgroup of the process. @defaultValue '/proc/self/cgroup' */
  readonly self?: string;
}

/** Below this share of the limit it does not matter what is page cache, and `memory.stat` is slow to read. */
const STAT_FROM = 0.5;

interface Level {
  readonly usedBytes: number;
  readonly limitBytes: number;
}

export function cgroupMemory({
  root = '/sys/fs/cgroup',
  self = '/proc/self/cgroup',
}: CgroupPaths = {}): MemoryProbe {
  /** The cgroup of the process and those above it; looked up when first asked. */
  let folders: readonly string[] | undefined;
  /** How often memory ran out, at the last look. */
  let outages: number | undefined;

  return () => {
    folders ??= foldersOf(root, self);
    const own = folders[0];
    if (own === undefined) return undefined;
    let fullest = levelOf(own);
    for (const folder of folders.slice(1)) fullest = fuller(fullest, levelOf(folder));
    const stalled = stalledPercent(join(own, 'memory.pressure'));
    if (!fullest && stalled === undefined) return undefined;
    const { usedBytes, limitBytes } = fullest ?? { usedBytes: 0, limitBytes: Infinity };
    const before = outages;
    outages = outagesOf(own);
    // What could not be had just now is gone, whatever the figures say by now.
    const ranOut = before !== undefined && outages > before && limitBytes < Infinity;
    const reading: MemoryReading = {
      source: 'cgroup',
      usedBytes: ranOut ? limitBytes : usedBytes,
      limitBytes,
      ...(stalled === undefined ? {} : { stalledPercent: stalled }),
    };
    return reading;
  };
}

/** The folder of the process's cgroup, and those above it up to `root`; none where there is no v2. */
function foldersOf(root: string, self: string): string[] {
  const path = /^0::(\/.*)$/m.exec(textOf(self) ?? '')?.[1];
  if (path === undefined) return [];
  const folders: string[] = [];
  // A path that leads out of what this process can see is taken as its end.
  const parts = normalize(path)
    .split('/')
    .filter((part) => part !== '' && part !== '..');
  for (let depth = parts.length; depth >= 0; depth--) {
    const folder = join(root, ...parts.slice(0, depth));
    if (numberIn(join(folder, 'memory.current')) !== undefined) folders.push(folder);
  }
  return folders;
}

/** `undefined` without a limit. */
function levelOf(folder: string): Level | undefined {
  const max = numberIn(join(folder, 'memory.max')) ?? Infinity;
  const high = numberIn(join(folder, 'memory.high')) ?? Infinity;
  const limitBytes = Math.min(max, high);
  const current = numberIn(join(folder, 'memory.current'));
  if (current === undefined || limitBytes === Infinity) return undefined;
  if (current < limitBytes * STAT_FROM) return { usedBytes: current, limitBytes };
  return { usedBytes: Math.max(0, current - cleanBytes(folder)), limitBytes };
}

/** Bytes of files that are as they are on disk. */
function cleanBytes(folder: string): number {
  const stat = textOf(join(folder, 'memory.stat')) ?? '';
  const of = (key: string): number => numberBehind(key, stat) ?? 0;
  const cached = of('inactive_file') + of('active_file');
  return Math.max(0, cached - of('file_dirty') - of('file_writeback'));
}

function outagesOf(folder: string): number {
  const events = textOf(join(folder, 'memory.events')) ?? '';
  return numberBehind('oom', events) ?? 0;
}

function fuller(one: Level | undefined, other: Level | undefined): Level | undefined {
  if (!one || !other) return one ?? other;
  return other.usedBytes / other.limitBytes > one.usedBytes / one.limitBytes ? other : one;
}
