/**
 * Reads a Node stream when there is something to read, and at once then: with no promise but when it has
 * to be waited for.
 */
import type { Readable } from 'node:stream';
import { MillraceError, type ByteReader } from '@millrace/core';
import { bytesOf } from '@millrace/core/internal';

const NOTHING = new Uint8Array(0);

export class ReadableReader implements ByteReader {
  readonly #stream: Readable;
  /** What of the last piece was not read. */
  #rest: Uint8Array = NOTHING;
  #ended = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    if (stream.readableEnded) this.#ended = true;
    else if (stream.destroyed) this.#onClose();
    else {
      // This one makes it begin: a child's output is thrown away when it exits and nobody has begun to read.
      stream.on('readable', this.#onReadable);
      stream.on('end', this.#onEnd);
      stream.on('close', this.#onClose);
    }
    stream.on('error', this.#onError);
  }

  read(into: Uint8Array): number | Promise<number> {
    if (this.#rest.length === 0 && !this.#take()) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return 0;
      return this.#wait().then(() => this.read(into));
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(count === this.#rest.length ? this.#rest : this.#rest.subarray(0, count));
    this.#rest = count === this.#rest.length ? NOTHING : this.#rest.subarray(count);
    return count;
  }

  cancel(): void {
    this.#rest = NOTHING;
    this.#over();
    this.#stream.destroy();
  }

  /** The next piece that has any bytes, if it is there. */
  #take(): boolean {
    while (!this.#ended && this.#error === undefined) {
      const piece: unknown = this.#stream.read();
      if (piece === null) return false;
      this.#rest = bytesOf(piece);
      if (this.#rest.length > 0) return true;
    }
    return false;
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  readonly #onReadable = (): void => {
    this.#wake?.();
    this.#wake = undefined;
  };

  readonly #onEnd = (): void => this.#over();

  readonly #onError = (error: unknown): void => {
    this.#error ??= error;
    this.#onReadable();
  };

  readonly #onClose = (): void => {
    if (this.#ended) return;
    this.#onError(
      this.#stream.errored ??
        new MillraceError(
          'ERR_READ',
          'Cannot read the input: the source stream was closed before its end',
        ),
    );
  };

  #over(): void {
    this.#ended = true;
    this.#stream.off('readable', this.#onReadable);
    this.#stream.off('end', this.#onEnd);
    this.#stream.off('close', this.#onClose);
    // The error listener stays: a late error must not end the process.
    this.#onReadable();
  }
}
