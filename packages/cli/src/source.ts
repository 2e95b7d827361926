/**
 * Where the data comes from: opens what a FILE names, and refuses what gzip refuses.
 *
 * A file stays open until it has been dealt with. So its inode cannot be given to another file, and
 * whether the name still means the same, unchanged file can be told at the end.
 */
import { constants, type BigIntStats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { STDIN, closeAsync, fstatAsync, openAsync } from './descriptors.js';
import type { GzipOptions } from './gzip-options.js';
import { GUESSED_SUFFIXES, gzipSuffix } from './naming.js';
import { failed, inWords, skipped, systemError } from './trouble.js';

export interface Source {
  /** The name to show and to derive others from; `-` for standard input. */
  readonly name: string;
  /** What to read the bytes from. */
  readonly from: string | number | Socket;
  /** As it was when it was opened. */
  readonly stats: BigIntStats;
  /** Whether its name leads to another file by now, or to one with another size or time. */
  changed(): Promise<boolean>;
  close(): Promise<void>;
}

/** @throws Trouble */
export async function openSource(given: string, options: GzipOptions): Promise<Source> {
  if (given === '-') return openStdin(options);
  const { name, descriptor } = await openNamed(given, options);
  try {
    const stats = await fstatAsync(descriptor, { bigint: true });
    refuse(stats, options);
    if (stats.isFIFO()) return openPipe(name, descriptor, stats);
    return {
      name,
      from: name,
      stats,
      changed: async () => stats.isFile() && !same(stats, await statOrNothing(name)),
      close: () => closeAsync(descriptor),
    };
  } catch (error) {
    await closeAsync(descriptor);
    throw error;
  }
}

async function openStdin(options: GzipOptions): Promise<Source> {
  if (options.decompress && !options.force && isatty(STDIN)) {
    throw failed('compressed data is not read from a terminal; use -f to do it all the same');
  }
  const stats = await fstatAsync(STDIN, { bigint: true });
  if (stats.isDirectory()) throw failed('is a directory', { code: 'EISDIR' });
  return {
    name: '-',
    from: STDIN,
    stats,
    changed: () => Promise.resolve(false),
    close: () => Promise.resolve(),
  };
}

/** Opens `given` or, when decompressing, what it stands for: `big.log` for big.log.gz. */
async function openNamed(
  given: string,
  options: GzipOptions,
): Promise<{ name: string; descriptor: number }> {
  const guesses =
    options.decompress && gzipSuffix(given) === undefined
      ? GUESSED_SUFFIXES.map((suffix) => given + suffix)
      : [];
  for (const name of [given, ...guesses]) {
    try {
      return { name, descriptor: await openOne(name, options) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw await explained(name, error);
    }
  }
  const tried = guesses.length > 0 ? `, nor is there ${given}.gz` : '';
  throw failed(`no such file or directory${tried}`, { code: 'ENOENT' });
}

function openOne(name: string, options: GzipOptions): Promise<number> {
  // Windows knows neither flag. A FIFO must not hold us up before we know that it is one.
  const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants as Partial<typeof constants>;
  const follow = options.force || leavesSourceAlone(options);
  return openAsync(name, constants.O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
}

async function explained(name: string, error: unknown): Promise<unknown> {
  const cause = systemError(error);
  if (!cause) return error;
  const isLink = cause.code === 'ELOOP' && (await lstat(name).catch(() => {}))?.isSymbolicLink();
  const message = isLink ? 'is a symbolic link; use -f to follow it' : inWords(cause);
  return failed(message, { code: cause.code, cause });
}

/** Whether the data goes elsewhere, so that nothing can happen to the file. */
function leavesSourceAlone(options: GzipOptions): boolean {
  return options.toStdout || options.output !== undefined;
}

/** gzip's rules of what to leave alone. @throws Trouble */
function refuse(stats: BigIntStats, options: GzipOptions): void {
  const mode = Number(stats.mode);
  const ignored = (what: string, code?: string): Error => skipped(`${what} -- ignored`, code);
  if (stats.isDirectory()) throw ignored('is a directory', 'EISDIR');
  if (leavesSourceAlone(options)) return;
  if (!stats.isFile()) {
    if (options.force) return;
    throw ignored('is not a directory or a regular file');
  }
  // The copy would not have these bits, and the original would be gone.
  if ((mode & 0o4000) !== 0) throw ignored('is set-user-ID on execution');
  if ((mode & 0o2000) !== 0) throw ignored('is set-group-ID on execution');
  if (options.force) return;
  if ((mode & 0o1000) !== 0) throw ignored('has the sticky bit set');
  const others = stats.nlink - 1n;
  if (others > 0n) throw ignored(`has ${others} other link${others === 1n ? '' : 's'}`);
}

/**
 * Reads from the FIFO without blocking: neither a silent writer nor a missing one holds up an interrupt.
 * Until the first writer has come it is not readable, and so does not seem to be at its end.
 */
function openPipe(name: string, descriptor: number, stats: BigIntStats): Source {
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  return {
    name,
    from: socket,
    stats,
    changed: () => Promise.resolve(false),
    close() {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

async function statOrNothing(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

function same(then: BigIntStats, now: BigIntStats | undefined): boolean {
  return (
    now !== undefined &&
    then.dev === now.dev &&
    then.ino === now.ino &&
    then.size === now.size &&
    then.mtimeNs === now.mtimeNs
  );
}
