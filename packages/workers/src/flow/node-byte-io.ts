/**
 * What copies and tees read from and write to, in Node: beside what the core knows, Node's streams, files
 * by name, and descriptors.
 */
import type { FileHandle } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import {
  readerOf as coreReaderOf,
  writerOf as coreWriterOf,
  type ByteReader,
  type ByteSource,
  type ByteTarget,
  type ByteWriter,
} from '@millrace/core';
import { descriptorOf, isFileHandle, isFilePart, type FilePart } from './file-part.js';
import { ReadableReader } from './readable-reader.js';
import { DescriptorReader } from './readers.js';
import { DescriptorSink, isNodeWritable } from './sinks.js';
import { openSource, type OpenSource } from './source.js';
import { openTarget, type FileTarget, type FlowTarget, type OpenTarget } from './target.js';

/** What {@link readerOf} takes: a path or file URL, a descriptor, a Node stream, or what the core takes. */
export type NodeByteSource = ByteSource | string | URL | number | FileHandle | FilePart | Readable;

/** What {@link writerOf} takes: as {@link NodeByteSource}; a path may come with more, see {@link FileTarget}. */
export type NodeByteTarget =
  ByteTarget | string | URL | FileTarget | number | FileHandle | FilePart | Writable;

/**
 * Reads `source`. A file that is named is opened with the first read and closed after the last; what was
 * open stays open. A stream that is cancelled is destroyed.
 *
 * @throws MillraceError `ERR_INVALID_ARG`
 */
export function readerOf(source: NodeByteSource): ByteReader {
  if (typeof source === 'string' || typeof source === 'number' || source instanceof URL) {
    return new SourceReader(source);
  }
  if (source instanceof Readable) return new ReadableReader(source);
  if (isFilePart(source)) {
    const reader = new DescriptorReader(descriptorOf(source.file), source.position);
    return { read: (into) => reader.read(into), cancel: () => reader.stop() };
  }
  if (isFileHandle(source)) return new SourceReader(source);
  return coreReaderOf(source);
}

/**
 * Writes to `target`. A file that is named appears when the writer is closed, whole, and does not when
 * it is aborted. A descriptor stays open. A Node stream is ended or destroyed; a socket, a file's stream
 * and an HTTP message send the bytes from where they are, all others get copies.
 *
 * @throws MillraceError `ERR_INVALID_ARG`
 */
export function writerOf(target: NodeByteTarget): ByteWriter {
  if (isFilePart(target)) {
    const sink = new DescriptorSink(descriptorOf(target.file), target.position);
    // A write to a file always settles.
    return { write: (bytes) => sink.write([bytes]), abort: () => {} };
  }
  if (isFileHandle(target) || isNamed(target) || typeof target === 'number') {
    return new TargetWriter(target);
  }
  if (isNodeWritable(target)) return new TargetWriter(target).begin();
  return coreWriterOf(target);
}

function isNamed(target: unknown): target is string | URL | FileTarget {
  if (typeof target === 'string' || target instanceof URL) return true;
  return typeof target === 'object' && target !== null && 'path' in target && !('write' in target);
}

/** Reads what has to be opened first. */
class SourceReader implements ByteReader {
  /** A handle is kept, as it closes itself when it is collected. */
  readonly #from: string | URL | number | FileHandle;
  #opening: Promise<OpenSource> | undefined;
  /** Where a read that may never come back puts its bytes. */
  #own: Uint8Array | undefined;
  #cancelled = false;
  #leave: (() => void) | undefined;

  constructor(from: string | URL | number | FileHandle) {
    this.#from = from;
  }

  async read(into: Uint8Array): Promise<number> {
    this.#opening ??= openSource(isFileHandle(this.#from) ? this.#from.fd : this.#from);
    const source = await this.#unlessCancelled(this.#opening);
    if (source === undefined) return 0;
    try {
      const count = await this.#readFrom(source, into);
      if (count === 0 && !this.#cancelled) await source.close(false);
      return count;
    } catch (error) {
      await source.close(true);
      throw error;
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled = true;
    this.#leave?.();
    if (!this.#opening) return;
    const closing = this.#opening.then((source) => source.close(true)).catch(() => {});
    // To open a pipe may take for ever.
    if (!this.#leave) await closing;
  }

  async #readFrom(source: OpenSource, into: Uint8Array): Promise<number> {
    const { reader, totalBytes } = source;
    if (totalBytes !== undefined) return reader.read(into);
    if (this.#own?.length !== into.length) this.#own = new Uint8Array(into.length);
    const own = this.#own;
    const count = (await this.#unlessCancelled(reader.read(own))) ?? 0;
    into.set(own.subarray(0, count));
    return count;
  }

  async #unlessCancelled<T>(pending: Promise<T>): Promise<T | undefined> {
    if (this.#cancelled) return undefined;
    try {
      return await new Promise<T | undefined>((resolve, reject) => {
        this.#leave = () => resolve(undefined);
        pending.then(resolve, reject);
      });
    } finally {
      this.#leave = undefined;
    }
  }
}

/** Writes to what a flow can be written to. */
class TargetWriter implements ByteWriter {
  readonly #to: FlowTarget | FileHandle;
  readonly #stop = new AbortController();
  #opening: Promise<OpenTarget> | undefined;
  #writing: Promise<void> | undefined;

  constructor(to: FlowTarget | FileHandle) {
    this.#to = to;
  }

  /** Opens it, which otherwise the first write does. */
  begin(): this {
    const to = isFileHandle(this.#to) ? this.#to.fd : this.#to;
    this.#opening ??= openTarget(to, this.#stop.signal);
    return this;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.begin();
    return (this.#writing = this.#write(bytes));
  }

  async close(): Promise<void> {
    const target = await this.begin().#opening!;
    try {
      await target.finish();
      await target.place();
    } catch (error) {
      await target.discard(error);
      throw error;
    }
  }

  async abort(reason: unknown): Promise<void> {
    this.#stop.abort(reason);
    const target = await this.#opening?.catch(() => undefined);
    target?.sink.abort?.(reason);
    await this.#writing?.catch(() => {});
    await target?.discard(reason);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { sink } = await this.#opening!;
    await sink.write([bytes]);
  }
}
