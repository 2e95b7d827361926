/** Readers over what a flow can be fed from. */
import { read } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { bytesOf } from '@millrace/core/internal';
import type { Reader } from './feeds.js';

const readAsync = promisify(read);

/** Reads a descriptor from where it stands, or from a position on, straight into the slice. It is left open. */
export class DescriptorReader implements Reader {
  readonly #file: number;
  #position: number | null;
  #stopped = false;
  #underWay: Promise<unknown> | undefined;

  constructor(file: number, position: number | null = null) {
    this.#file = file;
    this.#position = position;
  }

  /** Whether a read has not come back yet; one from a pipe may never do. */
  get busy(): boolean {
    return this.#underWay !== undefined;
  }

  async read(into: Uint8Array): Promise<number> {
    while (!this.#stopped) {
      const reading = readAsync(this.#file, into, 0, into.length, this.#position);
      this.#underWay = reading.finally(() => (this.#underWay = undefined)).catch(() => {});
      try {
        const { bytesRead } = await reading;
        if (this.#position !== null) this.#position += bytesRead;
        return bytesRead;
      } catch (error) {
        // Somebody has made the pipe non-blocking: give its other end a turn.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    return 0;
  }

  /**
   * Reads no more: the descriptor's number may soon be that of another file. Resolves when the read that
   * is under way has come back.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#underWay;
  }
}

/** Takes bytes out of whatever gives them piece by piece: a Node stream, a web stream, a generator. */
export class IterableReader implements Reader {
  readonly #source: AsyncIterable<unknown> | Iterable<unknown>;
  readonly #pieces: AsyncIterator<unknown> | Iterator<unknown>;
  #piece: Uint8Array = new Uint8Array(0);
  /** The first piece of a Node stream, asked for at once. */
  #first: Promise<IteratorResult<unknown>> | undefined;
  /** Ends the wait for the next piece, while there is one. */
  #leave: (() => void) | undefined;
  /** The reader has left while the source was at its next piece. */
  #left = false;
  #ended = false;

  constructor(pieces: AsyncIterable<unknown> | Iterable<unknown>) {
    this.#source = pieces;
    this.#pieces =
      pieces instanceof ReadableStream
        ? webPieces(pieces)
        : Symbol.asyncIterator in pieces
          ? pieces[Symbol.asyncIterator]()
          : pieces[Symbol.iterator]();
    if (pieces instanceof Readable) {
      // A child's output is thrown away when the child exits and nobody has begun to read it.
      this.#first = Promise.resolve(this.#pieces.next());
      this.#first.catch(() => {});
    }
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#piece.length === 0) {
      if (this.#ended) return 0;
      const next = await this.#next();
      if (!next) return 0;
      if (next.done) {
        this.#ended = true;
        return 0;
      }
      this.#piece = bytesOf(next.value);
    }
    const count = Math.min(into.length, this.#piece.length);
    into.set(this.#piece.subarray(0, count));
    this.#piece = this.#piece.subarray(count);
    return count;
  }

  abort(): void {
    if (!this.#leave) return;
    this.#left = true;
    this.#leave();
  }

  /** Lets the source go before its end; what it says to that is lost, since something has failed already. */
  async close(): Promise<void> {
    this.abort();
    if (this.#source instanceof Readable) {
      this.#source.destroy();
      return;
    }
    if (this.#ended) return;
    const closing = Promise.resolve(this.#pieces.return?.()).catch(() => {});
    // A generator ends once the piece that it waits for is there, and that may be never.
    if (!this.#left) await closing;
  }

  /** The next piece; `undefined` when the reader is closed while it waits. */
  async #next(): Promise<IteratorResult<unknown> | undefined> {
    try {
      return await new Promise((resolve, reject) => {
        this.#leave = () => resolve(undefined);
        Promise.resolve(this.#first ?? this.#pieces.next()).then(resolve, reject);
        this.#first = undefined;
      });
    } finally {
      this.#leave = undefined;
    }
  }
}

/** The pieces of a web stream; unlike its own iterator, this one can be ended while it waits. */
function webPieces(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      reader.releaseLock();
      return { done: true, value: undefined };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}
