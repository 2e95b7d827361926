/**
 * Takes bytes out of whatever gives them piece by piece: an iterable, an asynchronous one, a web stream.
 * What of a piece does not fit is kept for the next read.
 */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import type { ByteReader } from './byte-io.js';

interface Step {
  readonly done?: boolean | undefined;
  readonly value?: unknown;
}

/** What an iterator of either kind has in common. */
export interface Pieces {
  next(): Answer<Step>;
  return?(reason?: unknown): unknown;
}

const NOTHING = new Uint8Array(0);

export class IterableReader implements ByteReader {
  readonly #pieces: Pieces;
  #piece: Uint8Array = NOTHING;
  #at = 0;
  #ended = false;
  /** Whether the source has made us wait. */
  #waits = false;
  /** Ends the wait for the next piece, while there is one. */
  #leave: (() => void) | undefined;

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  read(into: Uint8Array): Answer<number> {
    let count = this.#give(into, 0);
    while (!this.#ended && count < into.length) {
      // What an asynchronous source has given is not held back until there is more.
      if (count > 0 && this.#waits) break;
      const next = this.#pieces.next();
      if (isPromise(next)) {
        this.#waits = true;
        return this.#wait(next, into);
      }
      this.#take(next);
      count += this.#give(into, count);
    }
    return count;
  }

  cancel(reason: unknown): void | Promise<void> {
    if (this.#ended) return undefined;
    this.#ended = true;
    const leave = this.#leave;
    leave?.();
    let left: unknown;
    try {
      left = this.#pieces.return?.(reason);
    } catch {
      // Something has failed already, and is told.
      return undefined;
    }
    if (!isPromise(left)) return undefined;
    const settled = left.then(
      () => {},
      () => {},
    );
    // A generator ends once the piece that it waits for is there, and that may be never.
    return leave ? undefined : settled;
  }

  async #wait(next: Promise<Step>, into: Uint8Array): Promise<number> {
    const step = await new Promise<Step | undefined>((resolve, reject) => {
      this.#leave = () => resolve(undefined);
      next.then(resolve, reject);
    }).finally(() => (this.#leave = undefined));
    if (!step || this.#ended) return 0;
    this.#take(step);
    // A piece may be empty.
    return this.#give(into, 0) || this.read(into);
  }

  #take({ done, value }: Step): void {
    if (done) {
      this.#ended = true;
      return;
    }
    try {
      this.#piece = bytesOf(value);
    } catch (error) {
      // Nobody cancels a reader that has failed.
      void this.cancel(error);
      throw error;
    }
    this.#at = 0;
  }

  /** Copies what is left of the piece, as far as it fits. */
  #give(into: Uint8Array, at: number): number {
    const from = this.#at;
    const to = Math.min(from + into.length - at, this.#piece.length);
    if (to === from) return 0;
    into.set(to - from === this.#piece.length ? this.#piece : this.#piece.subarray(from, to), at);
    this.#at = to;
    if (to === this.#piece.length) {
      this.#piece = NOTHING;
      this.#at = 0;
    }
    return to - from;
  }
}

/**
 * A view on the bytes of a piece: strings are UTF-8.
 *
 * @throws MillraceError `ERR_INVALID_ARG` when it has none
 */
export function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (ArrayBuffer.isView(piece)) {
    return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  }
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  if (typeof SharedArrayBuffer !== 'undefined' && piece instanceof SharedArrayBuffer) {
    return new Uint8Array(piece);
  }
  if (typeof piece === 'string') return new TextEncoder().encode(piece);
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot read a piece of type ${typeof piece} as bytes`,
  );
}
