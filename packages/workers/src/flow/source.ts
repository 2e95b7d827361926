/**
 * Where a flow begins: opens what the user named, and says how to read it.
 *
 *   path, file URL   regular file → by range, each worker its own; anything else → in sequence
 *   descriptor       in sequence from where it stands, or from a position on; it stays open
 *   stream, iterable in sequence
 *   bytes            in sequence
 */
import { fstat, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MillraceError, type Slice } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import type { Split } from '../ops/definition.js';
import type { Feed } from './chunk-window.js';
import type { DirectIo } from './direct-io.js';
import { unlessAborted } from './buffered-input.js';
import { wholePages } from '../threads/file-range.js';
import { RangeFeed, SequenceFeed, SliceFeed, type Reader } from './feeds.js';
import { descriptorOf, isFileHandle, isFilePart, type FilePart } from './file-part.js';
import { reading } from './io-error.js';
import { DescriptorReader, IterableReader } from './readers.js';

const fstatAsync = promisify(fstat);

const LARGEST_PAGE = 64 * 1024;

/** What a flow can read from. */
export type FlowSource =
  | string
  | URL
  | number
  | FileHandle
  | FilePart
  | Uint8Array
  | Readable
  | ReadableStream<unknown>
  | AsyncIterable<unknown>
  | Iterable<unknown>;

export interface OpenSource {
  readonly totalBytes: number | undefined;
  /** How to read it from front to back. */
  readonly reader: Reader;
  /** How to read it in chunks. */
  feed(split: Split): Feed;
  /** How to read it in chunks that are ranges of one slice; `undefined` when its size is not certain. */
  whole?(split: Split): WholeFeed | undefined;
  /** Lets it go; `failed` when before its end. */
  close(failed: boolean): Promise<void>;
}

/** How an object is read into one slice. */
export interface WholeFeed {
  /** The bytes that the slice must have. */
  readonly sliceBytes: number;
  into(slice: Slice): Feed;
}

/** @throws the system's error when a path cannot be opened; MillraceError `ERR_INVALID_ARG` */
export async function openSource(from: FlowSource, direct?: DirectIo): Promise<OpenSource> {
  if (typeof from === 'string' || from instanceof URL) {
    return openPath(from instanceof URL ? fileURLToPath(from) : from, direct);
  }
  direct?.notFile('source');
  if (typeof from === 'number') return openDescriptor(from);
  if (isFileHandle(from)) return openDescriptor(from.fd);
  if (isFilePart(from)) return openPart(from);
  if (from instanceof Uint8Array) return sourceOfBytes(from);
  if (typeof from === 'object' && from !== null) {
    if (Symbol.asyncIterator in from || Symbol.iterator in from) return iterable(from, undefined);
  }
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot read from ${describe(from)}: give a path, a URL, a descriptor, a file handle, { file, position }, bytes, a stream or an iterable`,
  );
}

/**
 * Opens `from`, hands it to `use`, and closes it as the outcome demands.
 *
 * @throws MillraceError `ERR_ABORTED`, `ERR_READ`, or what `use` rejects with
 */
export async function withSource<R>(
  from: FlowSource,
  signal: AbortSignal | undefined,
  use: (source: OpenSource) => Promise<R>,
  direct?: DirectIo,
): Promise<R> {
  const opening = reading(openSource(from, direct));
  const source = await unlessAborted(signal, opening, (late) => void late.close(true));
  let result: R;
  try {
    result = await use(source);
  } catch (error) {
    await source.close(true);
    throw error;
  }
  await source.close(false);
  return result;
}

/** Lets a source go that nobody has begun to read. */
export async function letGo(from: FlowSource): Promise<void> {
  if (typeof from !== 'object' || from instanceof URL) return;
  const source = await openSource(from).catch(() => undefined);
  await source?.close(true);
}

async function openPath(path: string, direct: DirectIo | undefined): Promise<OpenSource> {
  const opened = await direct?.openToRead(path, isRanged);
  const handle = opened ?? (await open(path, 'r'));
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) {
      const error: NodeJS.ErrnoException = new Error(
        `EISDIR: illegal operation on a directory, read '${path}'`,
      );
      throw Object.assign(error, { code: 'EISDIR', syscall: 'read', path });
    }
    return file(handle, stats, opened !== undefined);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Files under /proc and /sys occupy no blocks and say 0 bytes or one page, whatever they hold. */
function isRanged(stats: Stats): boolean {
  return stats.isFile() && stats.size > 0 && (stats.blocks > 0 || stats.size > LARGEST_PAGE);
}

function file(handle: FileHandle, stats: Stats, direct: boolean): OpenSource {
  const ranged = isRanged(stats);
  const totalBytes = ranged ? stats.size : undefined;
  const reader = new DescriptorReader(handle.fd);
  return {
    totalBytes,
    reader,
    feed: (split) =>
      ranged
        ? new RangeFeed(handle.fd, stats.size, direct, split)
        : new SequenceFeed(reader, undefined, split),
    whole(split) {
      // Neighbours read the page where the one ends and the other begins: both would write it.
      const shares = direct && split.size % PAGE_BYTES !== 0 && split.size < stats.size;
      if (!ranged || shares) return undefined;
      return {
        sliceBytes: direct ? wholePages(stats.size) : stats.size,
        into: (slice) => new RangeFeed(handle.fd, stats.size, direct, split, slice),
      };
    },
    async close() {
      const closing = reader.stop().then(() => handle.close());
      // A read from a pipe may never come back: the descriptor stays open until it does.
      if (reader.busy) closing.catch(() => {});
      else await closing;
    },
  };
}

export function sourceOfBytes(from: Uint8Array): OpenSource {
  return {
    ...iterable([from], from.length),
    whole: (split) => ({
      sliceBytes: Math.max(1, from.length),
      into: (slice) => new SliceFeed(slice, split, from),
    }),
  };
}

async function openDescriptor(descriptor: number): Promise<OpenSource> {
  const stats = await fstatAsync(descriptor);
  // A read from a pipe or terminal blocks a thread of libuv's pool, and the process's exit with it.
  const blocks = !stats.isFile() && !stats.isBlockDevice();
  if (descriptor === 0 && blocks) return iterable(process.stdin, undefined);
  const reader = new DescriptorReader(descriptor);
  return {
    ...sequence(reader, stats.isFile() ? stats.size : undefined),
    close() {
      void reader.stop();
      return Promise.resolve();
    },
  };
}

async function openPart({ file: opened, position }: FilePart): Promise<OpenSource> {
  const descriptor = descriptorOf(opened);
  const stats = await fstatAsync(descriptor);
  const reader = new DescriptorReader(descriptor, position);
  const totalBytes = stats.isFile() ? Math.max(0, stats.size - position) : undefined;
  return { ...sequence(reader, totalBytes), close: () => reader.stop() };
}

function iterable(
  pieces: AsyncIterable<unknown> | Iterable<unknown>,
  totalBytes: number | undefined,
): OpenSource {
  const reader = new IterableReader(pieces);
  return {
    ...sequence(reader, totalBytes),
    async close(failed) {
      if (failed) await reader.close();
    },
  };
}

function sequence(reader: Reader, totalBytes: number | undefined): OpenSource {
  return {
    totalBytes,
    reader,
    feed: (split) => new SequenceFeed(reader, totalBytes, split),
    close: () => Promise.resolve(),
  };
}

export function describe(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? `an object of type ${value.constructor?.name ?? 'unknown'}`
    : String(value);
}
