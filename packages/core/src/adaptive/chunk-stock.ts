/**
 * The chunks that one copy or tee works with: leased when they are first needed, used again and again,
 * and given back at its end.
 *
 *   source ──take──▶ │ free │ ──get──▶ filled ──▶ users ──done──▶ │ free │ ──close──▶ source
 *
 * Who is patient waits for memory of others only while it holds none itself: so any number of them get
 * along with one chunk. Who is not, a tee that may not wait for its branch, must be lent some other memory
 * in the end.
 */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';

/** Memory on loan: a slice is one. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** The first `count` of its bytes; who has no better way to make it has none. */
  part?(count: number): Uint8Array;
  release(): void;
}

export function partOf(chunk: Chunk, count: number): Uint8Array {
  if (chunk.part) return chunk.part(count);
  const { bytes } = chunk;
  return count === bytes.length ? bytes : bytes.subarray(0, count);
}

/** Who lends chunks. */
export interface ChunkSource {
  /** A chunk of `bytes` bytes, or fewer when memory is short; in the end there is one, or it rejects. */
  take(bytes: number): Chunk | Promise<Chunk>;
  /** The same, but only if there is one now. */
  tryTake(bytes: number): Chunk | undefined;
  /** So many bytes were read into a chunk: the operation gets on. */
  filled?(bytes: number): void;
  /** The tee that it lends to is over. */
  end?(): void;
}

/** A chunk in use. Free again when each of its users has said that it is done. */
export class Filling {
  readonly chunk: Chunk;
  /** All of the chunk. */
  readonly room: Uint8Array;
  /** What was read into it. */
  bytes: Uint8Array;
  users = 0;
  readonly #stock: ChunkStock;

  constructor(chunk: Chunk, stock: ChunkStock) {
    this.chunk = chunk;
    this.room = this.bytes = chunk.bytes;
    this.#stock = stock;
  }

  filled(count: number): void {
    this.bytes = partOf(this.chunk, count);
  }

  done(): void {
    if (--this.users === 0) this.#stock.takeBack(this);
  }
}

interface Wanting {
  resolve(filling: Filling): void;
  reject(error: unknown): void;
}

export class ChunkStock {
  /** How many chunks were leased. */
  leased = 0;
  readonly #source: ChunkSource;
  readonly #chunkBytes: number;
  readonly #patient: boolean;
  readonly #free: Filling[] = [];
  #inUse = 0;
  /** Whether a chunk is waited for: never more than one. */
  #coming = false;
  #wanting: Wanting | undefined;
  #closed = false;

  /** @param patient whether it waits for chunks of its own to come back when there are no others */
  constructor(source: ChunkSource, chunkBytes: number, patient: boolean) {
    this.#source = source;
    this.#chunkBytes = chunkBytes;
    this.#patient = patient;
  }

  /** A chunk with one user. One caller at a time. */
  get(): Answer<Filling> {
    const free = this.#free.pop();
    if (free) return this.#lend(free);
    if (!this.#coming) {
      const bytes = this.#chunkBytes;
      let got = this.#inUse === 0 ? this.#source.take(bytes) : this.#source.tryTake(bytes);
      if (!got && !this.#patient) got = this.#source.take(bytes);
      if (got && !isPromise(got)) return this.#lend(this.#adopt(got));
      if (got) this.#await(got);
    }
    return new Promise((resolve, reject) => (this.#wanting = { resolve, reject }));
  }

  filled(filling: Filling, count: number): void {
    filling.filled(count);
    this.#source.filled?.(count);
  }

  takeBack(filling: Filling): void {
    this.#inUse--;
    this.#put(filling);
  }

  /**
   * Gives all chunks back; those in use as soon as they are free, and one that is waited for when it comes.
   * Who waits for it is refused.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // An error takes longer to make than a small object to copy.
    if (this.#wanting) {
      this.#refuse(new MillraceError('ERR_ABORTED', 'The flow was ended before it had a chunk'));
    }
    for (let free = this.#free.pop(); free; free = this.#free.pop()) free.chunk.release();
  }

  /** One of its own may come back before it does; it is a spare one then. */
  #await(coming: Promise<Chunk>): void {
    this.#coming = true;
    coming.then(
      (chunk) => {
        this.#coming = false;
        this.#put(this.#adopt(chunk));
      },
      (error: unknown) => {
        this.#coming = false;
        this.#refuse(error);
      },
    );
  }

  #adopt(chunk: Chunk): Filling {
    this.leased++;
    return new Filling(chunk, this);
  }

  #lend(filling: Filling): Filling {
    this.#inUse++;
    filling.users = 1;
    return filling;
  }

  #put(filling: Filling): void {
    const wanting = this.#wanting;
    if (this.#closed) {
      filling.chunk.release();
    } else if (wanting) {
      this.#wanting = undefined;
      wanting.resolve(this.#lend(filling));
    } else {
      this.#free.push(filling);
    }
  }

  #refuse(error: unknown): void {
    this.#wanting?.reject(error);
    this.#wanting = undefined;
  }
}
