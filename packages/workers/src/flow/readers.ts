/** Readers over what a flow can be fed from. */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { MillraceError } from '@millrace/core';
import type { Reader } from './feeds.js';

const readAsync = promisify(read);

/** Reads a descriptor from where it stands, straight into the slice. It is left open. */
export class DescriptorReader implements Reader {
  readonly #file: number;

  constructor(file: number) {
    this.#file = file;
  }

  async read(into: Uint8Array): Promise<number> {
    for (;;) {
      try {
        return (await readAsync(this.#file, into, 0, into.length, null)).bytesRead;
      } catch (error) {
        // Somebody has made the pipe non-blocking: give its other end a turn.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }
}

/** Takes bytes out of whatever gives them piece by piece: a Node stream, a web stream, a generator. */
export class IterableReader implements Reader {
  readonly #pieces: AsyncIterator<unknown> | Iterator<unknown>;
  #piece: Uint8Array = new Uint8Array(0);
  #ended = false;

  constructor(pieces: AsyncIterable<unknown> | Iterable<unknown>) {
    this.#pieces =
      Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#piece.length === 0) {
      if (this.#ended) return 0;
      const { done, value } = await this.#pieces.next();
      if (done) {
        this.#ended = true;
        return 0;
      }
      this.#piece = bytesOf(value);
    }
    const count = Math.min(into.length, this.#piece.length);
    into.set(this.#piece.subarray(0, count));
    this.#piece = this.#piece.subarray(count);
    return count;
  }

  /** Lets the source go before its end. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#pieces.return?.();
  }
}

/** A view on the bytes of a piece: strings are UTF-8. */
export function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (ArrayBuffer.isView(piece))
    return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer || piece instanceof SharedArrayBuffer)
    return new Uint8Array(piece);
  if (typeof piece === 'string') return Buffer.from(piece, 'utf8');
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot read a piece of type ${typeof piece} as bytes`,
  );
}
