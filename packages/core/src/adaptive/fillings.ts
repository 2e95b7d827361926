/** A reader's bytes, chunk by chunk. */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import { isCount, type ByteReader } from './byte-io.js';
import type { ChunkStock, Filling } from './chunk-stock.js';
import { readFailure } from './io-failure.js';

/** Bytes on loan. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** They are not needed any more. */
  done(): void;
}

/** Chunks of bytes, one after the other. */
export interface Fillings {
  /** The next one, whose taker says when it is done with it; `undefined` at the end. One call at a time. */
  next(): Answer<Piece | undefined>;
  /** Nobody will ask for more: a `next` that is under way comes back, unless {@link stubborn}. */
  cancel(reason: unknown): void | Promise<void>;
  /** Whether a `next` may never come back. */
  readonly stubborn: boolean;
}

export class ReaderFillings implements Fillings {
  readonly #reader: ByteReader;
  readonly #stock: ChunkStock;

  constructor(reader: ByteReader, stock: ChunkStock) {
    this.#reader = reader;
    this.#stock = stock;
  }

  get stubborn(): boolean {
    return this.#reader.cancel === undefined;
  }

  next(): Answer<Filling | undefined> {
    const filling = this.#stock.get();
    return isPromise(filling) ? filling.then((got) => this.#fill(got)) : this.#fill(filling);
  }

  cancel(reason: unknown): void | Promise<void> {
    this.#stock.close();
    return this.#reader.cancel?.(reason);
  }

  #fill(filling: Filling): Answer<Filling | undefined> {
    let count: Answer<number>;
    try {
      count = this.#reader.read(filling.room);
    } catch (error) {
      filling.done();
      throw readFailure(error);
    }
    if (!isPromise(count)) return this.#filled(filling, count);
    return count.then(
      (read) => this.#filled(filling, read),
      (error: unknown) => {
        filling.done();
        throw readFailure(error);
      },
    );
  }

  #filled(filling: Filling, count: number): Filling | undefined {
    if (isCount(count, filling.room)) {
      this.#stock.filled(filling, count);
      return filling;
    }
    const room = filling.room.length;
    filling.done();
    if (count === 0) return undefined;
    throw new MillraceError(
      'ERR_READ',
      `Cannot take ${String(count)} for the number of bytes that were read into ${room}`,
    );
  }
}
