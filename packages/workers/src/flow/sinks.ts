/** What a flow can be written to. */
import { WriteStream, writev } from 'node:fs';
import type { OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/core';
import { without } from '../files/vectors.js';
import type { RangeFiles, Sink } from './flow.js';

const writevAsync = promisify(writev);

/**
 * A descriptor, written from where it stands, or from a position on. libuv's threads copy the bytes out of the slices; several
 * finished chunks go in one call.
 */
export class DescriptorSink implements Sink {
  readonly #file: number;
  #position: number | undefined;

  constructor(file: number, position?: number) {
    this.#file = file;
    this.#position = position;
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    let left = parts.filter((part) => part.length > 0);
    while (left.length > 0) {
      const { bytesWritten } = await writevAsync(this.#file, left, this.#position);
      if (this.#position !== undefined) this.#position += bytesWritten;
      left = without(left, bytesWritten);
    }
  }
}

/** A regular file of our own, which workers may write themselves. */
export class FileSink extends DescriptorSink {
  readonly files: RangeFiles;

  constructor(files: RangeFiles) {
    super(files.plain);
    this.files = files;
  }
}

/**
 * A Node stream. One that writes to the system is done with a part when it calls back for it; any other
 * may pass the same memory on to a reader who comes later, and gets a copy.
 */
export class WritableSink implements Sink {
  readonly #stream: Writable;
  /** Fails the write that is under way, where nobody else's memory is at stake. */
  #fail: ((error: unknown) => void) | undefined;
  #error: Error | undefined;
  readonly #onError = (error: Error): void => {
    this.#error = error;
  };
  readonly #onClose = (): void => {
    this.#error ??= new MillraceError(
      'ERR_WRITE',
      'Cannot write the output: the target stream was closed before the end',
    );
  };

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('error', this.#onError);
    stream.on('close', this.#onClose);
    if (stream.errored) this.#error = stream.errored;
    if (stream.destroyed) this.#onClose();
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      if (this.#error) throw this.#error;
      const copies = !writesToSystem(this.#stream);
      await new Promise<void>((resolve, reject) => {
        this.#fail = copies ? reject : undefined;
        const onClose = (): void => reject(this.#error!);
        this.#stream.once('close', onClose);
        this.#stream.write(copies ? Buffer.from(part) : part, (error) => {
          this.#stream.off('close', onClose);
          if (error) reject(error);
          else resolve();
        });
      });
    }
  }

  abort(error: unknown): void {
    this.#stream.destroy(error instanceof Error ? error : undefined);
    // A stream that is stuck may not even notice that it is destroyed.
    this.#fail?.(error);
  }

  /** Stops listening; the stream stays open. */
  detach(): void {
    this.#stream.off('close', this.#onClose);
    // The error listener stays: a late error must not end the process.
  }

  /** Ends the stream and waits until it has finished. */
  async end(): Promise<void> {
    if (this.#error) throw this.#error;
    this.#stream.off('close', this.#onClose);
    // `end` alone never calls back on a stream that was destroyed without an error.
    const whole = finished(this.#stream, { readable: false });
    this.#stream.end();
    await whole;
  }
}

/**
 * Whether a stream that takes a piece hands it to the system, and calls back when that has it. An HTTP
 * message does once it has a socket; before that it may be destroyed with no word of what it was given.
 */
function writesToSystem(stream: Writable): boolean {
  if (Object.hasOwn(stream, 'write')) return false;
  if (stream instanceof Socket || stream instanceof WriteStream) return true;
  return isHttpMessage(stream) && stream.socket !== null;
}

/** No `Writable`, though its type says so. Whoever has one has loaded `node:http`, which takes milliseconds. */
function isHttpMessage(stream: unknown): stream is OutgoingMessage {
  if (stream instanceof Writable) return false;
  return stream instanceof process.getBuiltinModule('node:http').OutgoingMessage;
}

/** Whether it can be written to like a Node stream: `Writable`s, HTTP messages, and others of the kind. */
export function isNodeWritable(target: unknown): target is Writable {
  const { write, end, on } = Object(target) as Partial<Writable>;
  return [write, end, on].every((method) => typeof method === 'function');
}

/** A web stream. It may refuse shared memory, or read it after a write has returned: it gets copies. */
export class WebSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #fail: ((error: unknown) => void) | undefined;

  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter();
    // Each write tells of an error; that the stream ends with it as well is no news.
    this.#writer.closed.catch(() => {});
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      await new Promise<void>((resolve, reject) => {
        this.#fail = reject;
        this.#writer.write(part.slice()).then(resolve, reject);
      });
    }
  }

  /** The stream lets a write that is under way come to its end; the flow does not wait for that. */
  abort(error: unknown): void {
    this.#writer.abort(error).catch(() => {});
    this.#fail?.(error);
  }

  async end(): Promise<void> {
    await this.#writer.close();
    this.#writer.releaseLock();
  }
}

/** Collects a copy of everything. */
export class CollectingSink implements Sink {
  readonly #parts: Uint8Array[] = [];

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) this.#parts.push(part.slice());
  }

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}
