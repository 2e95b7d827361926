/**
 * Where the data goes: standard output, the file that -o names, or the one that the source's name leads to.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, stat, unlink } from 'node:fs/promises';
import type { FlowTarget } from '@millrace/workers';
import { STDOUT } from './descriptors.js';
import { openForReader } from './fifo.js';
import type { GzipOptions } from './gzip-options.js';
import { compressedName, decompressedName, gzipSuffix } from './naming.js';
import type { Source } from './source.js';
import { failed, inWords, skipped, systemError, type Trouble } from './trouble.js';

export interface Target {
  /** The name to show; `-` for standard output. */
  readonly name: string;
  readonly to: FlowTarget;
  /** Whether the source is in the way once the target is whole. */
  readonly replacesSource: boolean;
}

/** @throws Trouble */
export async function chooseTarget(
  source: Source,
  options: GzipOptions,
  signal: AbortSignal,
): Promise<Target> {
  if (options.output !== undefined) return namedTarget(options.output, source, options, signal);
  if (options.toStdout || source.name === '-') return descriptorTarget('-', STDOUT);
  return siblingTarget(source, options);
}

/** `big.log` → `big.log.gz`, or back. */
async function siblingTarget(source: Source, options: GzipOptions): Promise<Target> {
  const path = siblingName(source.name, options);
  const existing = await lstat(path).catch(() => undefined);
  if (existing) mayReplace(path, existing.isDirectory(), options);
  // What a link or a device leads to is not ours to write to.
  if (existing && !existing.isFile()) await writable(path, unlink(path));
  const replacesSource = !options.keep && source.stats.isFile();
  return { name: path, to: fileTarget(path, source, options), replacesSource };
}

function siblingName(name: string, { decompress, force }: GzipOptions): string {
  if (decompress) {
    const plain = decompressedName(name);
    if (plain === undefined) throw skipped('unknown suffix -- ignored');
    return plain;
  }
  const suffix = gzipSuffix(name);
  if (suffix !== undefined && !force) {
    throw skipped(`already has the suffix ${suffix} -- unchanged`);
  }
  return compressedName(name);
}

async function namedTarget(
  path: string,
  source: Source,
  options: GzipOptions,
  signal: AbortSignal,
): Promise<Target> {
  const existing = await stat(path, { bigint: true }).catch(() => undefined);
  // It stays open until the process ends, as standard output does.
  if (existing?.isFIFO())
    return descriptorTarget(path, await writable(path, openForReader(path, signal)));
  // A device is written to, not replaced.
  if (existing?.isCharacterDevice()) return { name: path, to: { path }, replacesSource: false };
  if (existing) {
    if (existing.dev === source.stats.dev && existing.ino === source.stats.ino) {
      throw failed(`cannot write ${path}: it is the input itself`);
    }
    mayReplace(path, existing.isDirectory(), options);
  }
  return { name: path, to: fileTarget(path, source, options), replacesSource: false };
}

/** Says of the system's errors what they are about. */
async function writable<T>(path: string, attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    const cause = systemError(error);
    throw cause
      ? failed(`cannot write ${path}: ${inWords(cause)}`, { code: cause.code, cause })
      : error;
  }
}

function descriptorTarget(name: string, descriptor: number): Target {
  return { name, to: descriptor, replacesSource: false };
}

/** @throws Trouble */
function mayReplace(path: string, isDirectory: boolean, options: GzipOptions): void {
  if (isDirectory) throw failed(`cannot write ${path}: is a directory`, { code: 'EISDIR' });
  if (!options.force) throw targetExists(path);
}

export function targetExists(path: string): Trouble {
  return skipped(
    `${path} already exists -- not overwritten; use -f to overwrite`,
    'ERR_TARGET_EXISTS',
  );
}

/** A new file, which inherits mode, owner and times when the source is a file too. */
function fileTarget(path: string, { stats, name }: Source, { force }: GzipOptions): FlowTarget {
  const overwrite = force;
  if (!stats.isFile() || name === '-') return { path, overwrite };
  return {
    path,
    overwrite,
    mode: inheritedMode(stats),
    owner: { uid: Number(stats.uid), gid: Number(stats.gid) },
    times: { atime: time(stats.atimeNs), mtime: time(stats.mtimeNs) },
  };
}

/** The permissions, less those that would go to another group because the file's cannot be kept. */
function inheritedMode(stats: BigIntStats): number {
  const mode = Number(stats.mode) & 0o777;
  const groups = process.getgroups?.();
  const groupKept =
    groups === undefined ||
    process.geteuid?.() === 0 ||
    process.getegid?.() === Number(stats.gid) ||
    groups.includes(Number(stats.gid));
  return groupKept ? mode : mode & (0o707 | ((mode & 0o007) << 3));
}

/** To the microsecond since 1970; before, to the millisecond, as Node.js takes negative numbers for mistakes. */
function time(ns: bigint): number | Date {
  return ns < 0n ? new Date(Number(ns) / 1e6) : Number(ns) / 1e9;
}
