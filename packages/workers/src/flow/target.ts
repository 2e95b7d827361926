/**
 * Where a flow ends: opens what the user named, and makes the result whole or nothing.
 *
 *   path, file URL   a temporary file beside it, renamed when whole, removed when not
 *   descriptor       from where it stands; it stays open
 *   stream           ended when whole, destroyed when not
 */
import { randomBytes } from 'node:crypto';
import { fstat } from 'node:fs';
import { link, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/core';
import type { Sink } from './chunk-window.js';
import { DescriptorSink, WritableSink } from './sinks.js';
import { describe } from './source.js';

const fstatAsync = promisify(fstat);

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
export type FlowTarget = string | URL | number | Writable | WritableStream<Uint8Array> | FileTarget;

export interface OpenTarget {
  readonly sink: Sink;
  /** Everything has been written: makes it last. */
  commit(): Promise<void>;
  /** It failed: leaves nothing behind. */
  discard(error: unknown): Promise<void>;
}

/** @throws the system's error; MillraceError `ERR_TARGET_EXISTS`, `ERR_INVALID_ARG` */
export async function openTarget(to: FlowTarget): Promise<OpenTarget> {
  if (typeof to === 'string' || to instanceof URL) return openFile({ path: to });
  if (typeof to === 'number') return openDescriptor(to);
  if (to instanceof Writable) return stream(to);
  if (to instanceof WritableStream) return stream(Writable.fromWeb(copying(to)));
  if (typeof to === 'object' && to !== null && 'path' in to) return openFile(to);
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot write to ${describe(to)}: give a path, a URL, a descriptor, a stream or { path, … }`,
  );
}

async function openFile(target: FileTarget): Promise<OpenTarget> {
  const path = target.path instanceof URL ? fileURLToPath(target.path) : target.path;
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  let handle: FileHandle;
  try {
    handle = await open(temporary, 'wx', target.mode);
  } catch (error) {
    // The user named the target, not our temporary file.
    if (error instanceof Error) error.message = error.message.replaceAll(temporary, path);
    throw error;
  }
  return {
    sink: new DescriptorSink(handle.fd),
    async commit() {
      try {
        await dress(handle, target);
      } finally {
        await handle.close();
      }
      await place(temporary, path, target.overwrite ?? true);
    },
    async discard() {
      await handle.close().catch(() => {});
      await unlink(temporary).catch(() => {});
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
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new MillraceError('ERR_TARGET_EXISTS', `Cannot write ${path} as it exists`, { cause });
    }
    // A file system without hard links.
    return rename(temporary, path);
  }
  return unlink(temporary);
}

async function openDescriptor(descriptor: number): Promise<OpenTarget> {
  const stats = await fstatAsync(descriptor);
  if (stats.isFIFO() || stats.isSocket()) {
    // Without blocking: a reader that is slow, or gone, must not hold a thread of libuv's pool.
    const socket = new Socket({ fd: descriptor, readable: false, writable: true });
    const sink = new WritableSink(socket);
    const leave = (): Promise<void> => {
      sink.detach();
      socket.unref();
      return Promise.resolve();
    };
    return { sink, commit: leave, discard: leave };
  }
  const nothing = (): Promise<void> => Promise.resolve();
  return { sink: new DescriptorSink(descriptor), commit: nothing, discard: nothing };
}

function stream(writable: Writable): OpenTarget {
  const sink = new WritableSink(writable);
  return {
    sink,
    commit: () => sink.end(),
    discard(error) {
      if (!writable.destroyed) sink.abort(error);
      return Promise.resolve();
    },
  };
}

/** Web streams may refuse shared memory, or read it after the write has returned: they get copies. */
function copying(to: WritableStream<Uint8Array>): WritableStream<Uint8Array> {
  const writer = to.getWriter();
  return new WritableStream({
    write: (part) => writer.write(part.slice()),
    close: () => writer.close(),
    abort: (reason) => writer.abort(reason),
  });
}
