/**
 * A reader whose bytes go to a second consumer as well, the branch. Both have the same chunk, which is
 * filled anew when both are done with it.
 *
 *   reader ──▶ [ chunk ] ──▶ consumer    read, for await, pipeTo
 *                  └───────▶ branch      a ByteWriter
 *
 * The consumer comes first: the branch never changes what it gets, and how long it may be held up is
 * bounded by what the branch may lag behind.
 *
 *   policy        the branch lags by `maxLagChunks`     the branch fails
 *   block         the consumer waits for it             the consumer goes on without it
 *   drop-branch   it is aborted: ERR_BRANCH_LAGGING     the consumer goes on without it
 *   error         the tee fails: ERR_BRANCH_LAGGING     the tee fails with its error
 *
 * A consumer that leaves early has the branch aborted too, since it would not be whole: a cache file
 * would be one that nobody may use. Who wants it whole reads on to the end, and throws away what it reads.
 */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import type { ByteReader, ByteWriter } from './byte-io.js';
import type { ChunkSource } from './chunk-stock.js';
import type { Piece } from './fillings.js';
import { writeFailure } from './io-failure.js';
import { Stretch, turn } from './stretch.js';
import { TeeProgress, teeAtOnce, type TeeEnds } from './tee-at-once.js';
import type { TeeBranchReport } from './tee-branch.js';
import { TeeFlow } from './tee-flow.js';
import { checkedTee, type CheckedTee, type TeeOptions } from './tee-options.js';
import { Transfer } from './transfer.js';
import { wallClockMs } from './wall-clock.js';

/** How a tee has ended. */
export interface TeeReport {
  readonly bytesRead: number;
  /** How often a chunk was filled. */
  readonly chunksUsed: number;
  /** How many different chunks that took. */
  readonly chunksLeased: number;
  readonly elapsedMs: number;
  /** What the consumer was told, if it did not come to the end. */
  readonly error: MillraceError | undefined;
  readonly branch: TeeBranchReport;
}

export class ChunkedTeeReader implements ByteReader, AsyncIterable<Uint8Array> {
  /** When it was made: milliseconds since 1970. */
  readonly startedAt: number;
  readonly #ends: TeeEnds;
  readonly #options: CheckedTee;
  readonly #progress = new TeeProgress();
  /** It is being done in one piece. */
  #atOnce = false;
  /** When it was done in one piece, if it was. */
  #doneAt: number | undefined;
  /** What it is done by otherwise, once it has begun. */
  #flow: TeeFlow | undefined;
  #finished: Promise<TeeReport> | undefined;
  #finish: (() => void) | undefined;

  /**
   * @param writer the branch: it is closed at the end of `reader`, or aborted
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  constructor(reader: ByteReader, writer: ByteWriter, chunks: ChunkSource, options: TeeOptions) {
    this.startedAt = wallClockMs();
    this.#options = checkedTee(options);
    this.#ends = { reader, branch: writer, chunks };
  }

  /** Bytes that the reader has given so far. */
  get bytesRead(): number {
    return this.#progress.bytesRead;
  }

  /** How often a chunk was filled. */
  get chunksUsed(): number {
    return this.#progress.chunksUsed;
  }

  /** How many different chunks were needed so far. */
  get chunksLeased(): number {
    if (this.#flow) return this.#flow.stock.leased;
    return this.#doneAt === undefined ? this.chunksUsed : 1;
  }

  /** Milliseconds since {@link startedAt}, until the end of what is read. */
  get elapsedMs(): number {
    return (this.#flow?.endedAt ?? this.#doneAt ?? wallClockMs()) - this.startedAt;
  }

  /** How the branch fares. */
  get branch(): TeeBranchReport {
    if (this.#flow) return this.#flow.branch.report();
    const { bytesRead, toBranch } = this.#progress;
    return {
      state: this.#doneAt === undefined ? 'open' : 'closed',
      bytesWritten: toBranch,
      lagChunks: bytesRead > toBranch ? 1 : 0,
      error: undefined,
    };
  }

  /** Resolves when consumer and branch have come to an end, whichever, and all chunks are back. Never rejects. */
  get finished(): Promise<TeeReport> {
    return (this.#finished ??= new Promise((resolve) => {
      this.#finish = () => resolve(this.#report());
      if (this.#doneAt !== undefined || this.#flow?.settled) this.#finish();
    }));
  }

  /**
   * Copies the next bytes into `into`.
   *
   * @returns how many; 0 at the end
   * @throws MillraceError `ERR_READ`, `ERR_ABORTED` after {@link cancel}, by the policy what befell the
   *   branch, what `chunks` throws; `ERR_INVALID_ARG` when `into` has no room
   */
  read(into: Uint8Array): Answer<number> {
    if (into.length === 0) {
      throw new MillraceError('ERR_INVALID_ARG', 'Cannot read into memory of 0 bytes');
    }
    return this.#doneAt === undefined ? this.#begun().read(into) : 0;
  }

  /**
   * The chunks as they come, not copied: each is good until the next is asked for, and not to be changed,
   * as the branch has the same. Who breaks off has left: see {@link cancel}.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    const stretch = new Stretch();
    let over = false;
    let piece: Piece | undefined;
    try {
      for (;;) {
        piece = await this.#nextPiece();
        if (!piece) break;
        yield piece.bytes;
        piece.done();
        piece = undefined;
        if (stretch.over()) {
          await turn();
          stretch.restart();
        }
      }
      over = true;
    } finally {
      piece?.done();
      if (!over) await this.cancel();
    }
  }

  /**
   * Writes all to a second writer and closes it: both have the same chunk, and nothing is copied. While a
   * write is under way the next chunk is read.
   *
   * @param signal ends it, as {@link cancel} does
   * @returns how many bytes were written to it, once it is closed. Whether the branch is, `finished` tells
   * @throws MillraceError as {@link read}; `ERR_WRITE`: the branch is aborted then too
   */
  pipeTo(writer: ByteWriter, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
    if (this.#flow || this.#atOnce || this.#doneAt !== undefined || signal) {
      return this.#pipe(writer, signal);
    }
    this.#atOnce = true;
    const done = teeAtOnce(this.#progress, this.#ends, writer, this.#options.chunkSize);
    this.#atOnce = false;
    if (typeof done !== 'number') {
      this.#begun(done.ends);
      return this.#pipe(done.consumer, signal);
    }
    this.#doneAt = wallClockMs();
    this.#settle();
    return closed(writer, done);
  }

  /**
   * The consumer leaves: the reader is cancelled and the branch aborted, unless it has everything. A read
   * that is under way fails with `ERR_ABORTED`.
   *
   * @returns resolves when reader and branch are done with all chunks
   */
  async cancel(reason?: unknown): Promise<void> {
    if (this.#atOnce) this.#progress.leave ??= () => this.#begun().leave(reason);
    else if (this.#doneAt === undefined) this.#begun().leave(reason);
    await this.finished;
  }

  async #pipe(writer: ByteWriter, signal: AbortSignal | undefined): Promise<number> {
    const pieces = {
      next: () => this.#nextPiece(),
      cancel: (reason: unknown) => this.cancel(reason),
      // It always comes back: the flow sees to that.
      stubborn: false,
    };
    const copied = new Transfer(pieces, writer, undefined, signal, () => {}).begin();
    return closed(writer, isPromise(copied) ? await copied : copied);
  }

  #nextPiece(): Answer<Piece | undefined> {
    return this.#doneAt === undefined ? this.#begun().nextPiece() : undefined;
  }

  /** @throws MillraceError `ERR_READ` in the midst of its one piece */
  #begun(ends = this.#ends): TeeFlow {
    if (this.#atOnce) {
      throw new MillraceError('ERR_READ', 'Cannot read from the tee as a read is under way');
    }
    return (this.#flow ??= new TeeFlow(ends, this.#options, this.#progress, () => this.#settle()));
  }

  #settle(): void {
    this.#finish?.();
    this.#ends.chunks.end?.();
  }

  #report(): TeeReport {
    const { bytesRead, chunksUsed, chunksLeased, elapsedMs, branch } = this;
    const error = this.#flow?.failure;
    return { bytesRead, chunksUsed, chunksLeased, elapsedMs, error, branch };
  }
}

/** Closes the writer of so many bytes. */
async function closed(writer: ByteWriter, bytes: number): Promise<number> {
  try {
    const closing = writer.close?.();
    if (isPromise(closing)) await closing;
  } catch (error) {
    throw writeFailure(error);
  }
  return bytes;
}
