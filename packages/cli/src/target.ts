/**
 * Where the data goes: standard output, the file that -o names, or the one that the source's name leads to.
 */
import { constants, type BigIntStats } from 'node:fs';
import { lstat, realpath, stat } from 'node:fs/promises';
import type { FlowTarget } from '@millrace/workers';
import { STDOUT, closeAsync, openAsync } from './descriptors.js';
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
  close(): Promise<void>;
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
  const replacesSource = !options.keep && source.stats.isFile();
  return { name: path, to: fileTarget(path, source, options), replacesSource, close: nothing };
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
  output: string,
  source: Source,
  options: GzipOptions,
  signal: AbortSignal,
): Promise<Target> {
  const existing = await stat(output, { bigint: true }).catch(() => undefined);
  if (existing && !existing.isFile() && !existing.isDirectory()) {
    return openDevice(output, existing, signal);
  }
  // Through a symbolic link: the file is to be replaced, not the link.
  const path = existing ? await realpath(output) : output;
  if (existing) {
    if (existing.dev === source.stats.dev && existing.ino === source.stats.ino) {
      throw failed(`cannot write ${output}: it is the input itself`);
    }
    mayReplace(output, existing.isDirectory(), options);
  }
  return {
    name: output,
    to: fileTarget(path, source, options),
    replacesSource: false,
    close: nothing,
  };
}

/** A device or FIFO is written to; a file renamed into its place would be the end of it. */
async function openDevice(path: string, stats: BigIntStats, signal: AbortSignal): Promise<Target> {
  try {
    if (stats.isFIFO()) {
      // It stays open until the process ends, as standard output does.
      return descriptorTarget(path, await openForReader(path, signal));
    }
    const descriptor = await openAsync(path, constants.O_WRONLY);
    return { ...descriptorTarget(path, descriptor), close: () => closeAsync(descriptor) };
  } catch (error) {
    const cause = systemError(error);
    throw cause
      ? failed(`cannot write ${path}: ${inWords(cause)}`, { code: cause.code, cause })
      : error;
  }
}

function descriptorTarget(name: string, descriptor: number): Target {
  return { name, to: descriptor, replacesSource: false, close: nothing };
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

function nothing(): Promise<void> {
  return Promise.resolve();
}
