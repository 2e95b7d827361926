/**
 * Where a flow ends: opens what the user named, and makes the result whole or nothing.
 *
 *   path, file URL   a temporary file beside it, renamed when whole, removed when not; a device or
 *                    named pipe is written to as it is
 *   descriptor       from where it stands, or from a position on; it stays open
 *   stream           ended when whole, destroyed when not
 */
import { randomBytes } from 'node:crypto';
import { constants, fstat, openSync } from 'node:fs';
import { link, open, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/core';
import { unlessAborted } from './buffered-input.js';
import type { Sink } from './flow.js';
import type { DirectIo } from './direct-io.js';
import { DescriptorSink, FileSink, WebSink, WritableSink, isNodeWritable } from './sinks.js';
import { descriptorOf, isFileHandle, isFilePart, type FilePart } from './file-part.js';
import { describe } from './source.js';

const fstatAsync = promisify(fstat);

/** In UTF-16 units; at most three bytes each. */
const LONGEST_STEM = 64;

/** A path, and what is to be true of the file when it appears there. */
export interface FileTarget {
  readonly path: string | URL;
  /** Permission bits. @defaultValue 0o666 less the process's umask */
  readonly mode?: number;
  /** Owner and group; ignored where the process may not set them. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Access and modification time, as Dates or in seconds since 1970. */
  readonly times?: { readonly atime: Date | number; readonly mtime: Date | number };
  /** Whether a file that exists may be replaced. @defaultValue true */
  readonly overwrite?: boolean;
}

/** What a flow can write to. */
export type FlowTarget =
  | string
  | URL
  | number
  | FileHandle
  | FilePart
  | Writable
  | WritableStream<Uint8Array>
  | FileTarget;

export interface OpenTarget {
  readonly sink: Sink;
  /** Whether `place` may refuse since something is there already. */
  readonly exclusive?: boolean;
  /** Everything has been written: makes it whole, where nobody sees it yet if that can be. */
  finish(): Promise<void>;
  /** Every target of the flow is whole: puts it where it belongs. */
  place(): Promise<void>;
  /** It failed, or another target of the flow did: leaves nothing behind. */
  discard(error: unknown): Promise<void>;
}

function nothing(): Promise<void> {
  return Promise.resolve();
}

/** @throws the system's error; MillraceError `ERR_TARGET_EXISTS`, `ERR_INVALID_ARG` */
export async function openTarget(
  to: FlowTarget,
  signal: AbortSignal | undefined,
  direct?: DirectIo,
): Promise<OpenTarget> {
  if (typeof to === 'string' || to instanceof URL) return openFile({ path: to }, signal, direct);
  if (typeof to === 'number') return openDescriptor(to);
  if (isFileHandle(to)) return openDescriptor(to.fd);
  if (isFilePart(to)) return stayingOpen(new DescriptorSink(descriptorOf(to.file), to.position));
  if (isNodeWritable(to)) return stream(to);
  if (to instanceof WritableStream) return webStream(to);
  if (typeof to === 'object' && to !== null && 'path' in to) return openFile(to, signal, direct);
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot write to ${describe(to)}: give a path, a URL, a descriptor, a file handle, { file, position }, a stream or { path, … }`,
  );
}

async function openFile(
  target: FileTarget,
  signal: AbortSignal | undefined,
  direct: DirectIo | undefined,
): Promise<OpenTarget> {
  const named = target.path instanceof URL ? fileURLToPath(target.path) : target.path;
  const existing = await stat(named).catch(() => undefined);
  if (existing && !existing.isFile() && !existing.isDirectory()) {
    return openDevice(named, signal);
  }
  if (existing && target.overwrite === false) throw alreadyThere(named);
  // The file that a symbolic link points to is replaced, not the link.
  const path = existing ? await realpath(named) : named;
  // Names may have 255 bytes, so a long one cannot be had whole with more around it.
  const stem = basename(path).slice(0, LONGEST_STEM);
  const temporary = join(dirname(path), `.${stem}.${randomBytes(6).toString('hex')}.tmp`);
  let handle: FileHandle;
  try {
    handle = await open(temporary, 'wx', target.mode);
  } catch (error) {
    // The user named the target, not our temporary file.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
  const second = await direct?.openToWrite(temporary, path);
  const close = async (): Promise<void> => {
    await Promise.all([second?.close(), handle.close()]);
  };
  let placed = false;
  return {
    sink: new FileSink({ plain: handle.fd, direct: second?.fd }),
    exclusive: target.overwrite === false,
    async finish() {
      try {
        await dress(handle, target);
      } finally {
        await close();
      }
    },
    async place() {
      await place(temporary, path, target.overwrite ?? true);
      placed = true;
    },
    async discard() {
      await close().catch(() => {});
      await unlink(temporary).catch(() => {});
      // Another target failed after this one was in its place. One that it replaced cannot be had back.
      if (placed && !existing) await unlink(path).catch(() => {});
    },
  };
}

/** Gives the finished file its owner, mode and times; the times last, since the others touch them. */
async function dress(handle: FileHandle, { owner, mode, times }: FileTarget): Promise<void> {
  if (owner) await handle.chown(owner.uid, owner.gid).catch(() => {});
  // Once more: the umask took bits away when the file was made, and a change of owner does too.
  if (mode !== undefined) await handle.chmod(mode);
  if (times) await handle.utimes(times.atime, times.mtime);
}

/** Moves the finished file to where it belongs, in one step. */
async function place(temporary: string, path: string, overwrite: boolean): Promise<void> {
  if (overwrite) return rename(temporary, path);
  try {
    // Unlike rename, link never replaces.
    await link(temporary, path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(path, cause);
    // A file system without hard links: an empty file, made only if there is none, holds the place.
    await (await open(path, 'wx')).close();
    return rename(temporary, path);
  }
  return unlink(temporary);
}

function alreadyThere(path: string, cause?: unknown): MillraceError {
  return new MillraceError('ERR_TARGET_EXISTS', `Cannot write ${path} as it exists`, { cause });
}

/** A device or named pipe: a file cannot take its place. */
async function openDevice(path: string, signal: AbortSignal | undefined): Promise<OpenTarget> {
  // Opening a pipe waits for its reader.
  const opening = open(path, constants.O_WRONLY);
  const handle = await unlessAborted(signal, opening, (late) => void late.close());
  const target = await openDescriptor(handle.fd);
  const leave = async (leaving: Promise<void>): Promise<void> => {
    await leaving;
    await handle.close();
  };
  return {
    sink: target.sink,
    finish: () => leave(target.finish()),
    place: nothing,
    discard: (error) => leave(target.discard(error)),
  };
}

async function openDescriptor(descriptor: number): Promise<OpenTarget> {
  const stats = await fstatAsync(descriptor);
  if (stats.isFIFO() || stats.isSocket()) {
    // Without blocking: a reader that is slow, or gone, must not hold a thread of libuv's pool.
    const own = reopened(descriptor);
    const socket = new Socket({ fd: own ?? descriptor, readable: false, writable: true });
    const sink = new WritableSink(socket);
    const leave = (): Promise<void> => {
      sink.detach();
      if (own === undefined) socket.unref();
      else socket.destroy();
      return Promise.resolve();
    };
    return { sink, finish: leave, place: nothing, discard: leave };
  }
  return stayingOpen(new DescriptorSink(descriptor));
}

function stayingOpen(sink: Sink): OpenTarget {
  return { sink, finish: nothing, place: nothing, discard: nothing };
}

/**
 * A descriptor of our own for the same pipe, which can be made non-blocking and be closed while the user's
 * stays as it is; `undefined` where that cannot be had: for sockets, or a pipe that nobody reads.
 */
function reopened(descriptor: number): number | undefined {
  try {
    return openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function stream(writable: Writable): OpenTarget {
  const sink = new WritableSink(writable);
  return {
    sink,
    finish: () => sink.end(),
    place: nothing,
    discard(error) {
      if (!writable.destroyed) sink.abort(error);
      return Promise.resolve();
    },
  };
}

function webStream(writable: WritableStream<Uint8Array>): OpenTarget {
  const sink = new WebSink(writable);
  return {
    sink,
    finish: () => sink.end(),
    place: nothing,
    discard(error) {
      sink.abort(error);
      return Promise.resolve();
    },
  };
}
