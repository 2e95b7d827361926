/**
 * What bytes are read from and written to, in the form that copies and tees work with: a reader fills
 * memory that it is given, a writer takes memory that it gives back. An end that has its answer at once
 * gives it at once: a promise for each chunk costs more than copying a small one does.
 */
import { MillraceError } from '../errors.js';
import { writeFailure } from './io-failure.js';
import { IterableReader, type Pieces } from './iterable-reader.js';

/** Where bytes come from. One read at a time. */
export interface ByteReader {
  /**
   * Fills `into`, at least one byte long, from its beginning, as far as there are bytes now.
   *
   * @returns how many bytes that were; 0 when there are no more. While it is a promise, `into` is the reader's
   */
  read(into: Uint8Array): number | Promise<number>;
  /**
   * Nobody will read on; called before the end only, and once. A read that is under way comes back then,
   * with whatever: who has no way to see to that has no `cancel`, and is not waited for.
   */
  cancel?(reason: unknown): void | Promise<void>;
}

/** Whether `count` is what a read into `room` may answer that has not come to the end. */
export function isCount(count: unknown, room: Uint8Array): count is number {
  return Number.isInteger(count) && (count as number) > 0 && (count as number) <= room.length;
}

/** Where bytes go to. One write at a time; in the end either `close` or `abort`, once. */
export interface ByteWriter {
  /** Takes all of `bytes`. They are the writer's until it returns or the promise settles, and never after that. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** All is written. Settles when that is done for good. */
  close?(): void | Promise<void>;
  /**
   * No more will come, and what was written is not all: something has failed. A write that is under way
   * settles then: who has no way to see to that has no `abort`, and is not waited for.
   */
  abort?(reason: unknown): void | Promise<void>;
}

/** What {@link readerOf} takes. Pieces are views, buffers or strings, which are read as UTF-8. */
export type ByteSource =
  | ByteReader
  | Uint8Array
  | ArrayBufferLike
  | ReadableStream<unknown>
  | AsyncIterable<unknown>
  | Iterable<unknown>;

/** What {@link writerOf} takes. */
export type ByteTarget = ByteWriter | Uint8Array | WritableStream<Uint8Array>;

/**
 * Reads `source`: a reader as it is; bytes; the pieces of a web stream, which is locked until its end, or
 * of an iterable.
 *
 * @throws MillraceError `ERR_INVALID_ARG` when it is none of these
 */
export function readerOf(source: ByteSource): ByteReader {
  if (source instanceof Uint8Array) return new BytesReader(source);
  if (source instanceof ArrayBuffer || isShared(source)) {
    return new BytesReader(new Uint8Array(source));
  }
  if (source instanceof ReadableStream) return new IterableReader(webPieces(source));
  if (typeof source === 'object' && source !== null) {
    if ('read' in source && !('pipe' in source)) return source;
    if (Symbol.asyncIterator in source) return new IterableReader(source[Symbol.asyncIterator]());
    if (Symbol.iterator in source) return new IterableReader(source[Symbol.iterator]());
  }
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot read from a value of type ${typeof source}: give bytes, a web stream, an iterable or a ByteReader`,
  );
}

/**
 * Writes to `target`: a writer as it is; memory, from its beginning; a web stream, which is locked during
 * a write and gets copies, since it may refuse shared memory and never says when it is done with a piece.
 *
 * @throws MillraceError `ERR_INVALID_ARG` when it is none of these
 */
export function writerOf(target: ByteTarget): ByteWriter {
  if (target instanceof Uint8Array) return new BytesWriter(target);
  if (target instanceof WritableStream) return new WebWriter(target);
  if (typeof target === 'object' && target !== null && 'write' in target && !('pipe' in target)) {
    return target;
  }
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot write to a value of type ${typeof target}: give a Uint8Array, a web stream or a ByteWriter`,
  );
}

/** Absent in browsers' pages that are not isolated. */
function isShared(value: unknown): value is SharedArrayBuffer {
  return typeof SharedArrayBuffer !== 'undefined' && value instanceof SharedArrayBuffer;
}

class BytesReader implements ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(into: Uint8Array): number {
    const from = this.#at;
    const to = Math.min(from + into.length, this.#bytes.length);
    this.#at = to;
    into.set(to - from === this.#bytes.length ? this.#bytes : this.#bytes.subarray(from, to));
    return to - from;
  }
}

class BytesWriter implements ByteWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  write(bytes: Uint8Array): void {
    const room = this.#bytes.length - this.#at;
    if (bytes.length > room) {
      throw new MillraceError(
        'ERR_WRITE',
        `Cannot write ${bytes.length} bytes as ${room} of the target's ${this.#bytes.length} are left`,
      );
    }
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

/**
 * The pieces of a web stream; unlike its own iterator, this one can be ended while it waits. Those of a
 * stream of bytes come as they are, too. To have them read into memory of ours, which must be private,
 * costs a copy more: it pays for sources that fill what they are given, a quarter, and costs half as much
 * again for those that have pieces already, as answers to `fetch` and blobs do.
 */
function webPieces(stream: ReadableStream<unknown>): Pieces {
  const reader = stream.getReader();
  return {
    async next() {
      const step = await reader.read();
      if (step.done) reader.releaseLock();
      return step;
    },
    // A source may take for ever over its cancel: it is told, and that is all.
    return: (reason) => void reader.cancel(reason).catch(() => {}),
  };
}

/** Holds the stream's lock while a write is under way, so that it is free afterwards. */
class WebWriter implements ByteWriter {
  readonly #stream: WritableStream<Uint8Array>;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#stream = stream;
  }

  async write(bytes: Uint8Array): Promise<void> {
    const writer = this.#stream.getWriter();
    this.#writer = writer;
    // The write tells of an error; that the stream ends with it as well is no news.
    writer.closed.catch(() => {});
    try {
      await new Promise<void>((resolve, reject) => {
        this.#fail = reject;
        writer.write(bytes.slice()).then(resolve, reject);
      });
    } finally {
      this.#writer = undefined;
      writer.releaseLock();
    }
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  /** The stream lets a write that is under way come to its end; nobody else's memory is at stake. */
  abort(reason: unknown): void {
    (this.#writer ?? this.#stream).abort(reason).catch(() => {});
    this.#fail?.(writeFailure(reason));
  }
}
