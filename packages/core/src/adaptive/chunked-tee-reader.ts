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
import { ChunkStock, type ChunkSource, type Filling } from './chunk-stock.js';
import { ReaderFillings, type Piece } from './fillings.js';
import { readFailure, writeFailure } from './io-failure.js';
import { Stretch, afterTurn } from './stretch.js';
import { TeeBranch, type TeeBranchReport } from './tee-branch.js';
import { checkedTee, type TeeOptions, type TeePolicy } from './tee-options.js';
import { Transfer } from './transfer.js';

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
  /** Bytes that the reader has given so far. */
  bytesRead = 0;
  /** How often a chunk was filled. */
  chunksUsed = 0;
  readonly #fillings: ReaderFillings;
  readonly #stock: ChunkStock;
  readonly #branch: TeeBranch;
  readonly #policy: TeePolicy;
  readonly #maxLag: number;
  /** What of a chunk the consumer has not read yet. */
  #current: Filling | undefined;
  #at = 0;
  #reading: Promise<unknown> | undefined;
  /** Ends the wait of the consumer, while there is one. */
  #interrupt: ((error: unknown) => void) | undefined;
  #wake: (() => void) | undefined;
  #atEnd = false;
  #endedAt: number | undefined;
  #failure: MillraceError | undefined;
  /** Nothing of the reader's is under way any more. */
  #readerDone = false;
  #finished: Promise<TeeReport> | undefined;
  #settled = false;
  #finish: (() => void) | undefined;
  readonly #ended: (() => void) | undefined;

  /**
   * @param writer the branch: it is closed at the end of `reader`, or aborted
   * @param ended called when it is {@link finished}
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  constructor(
    reader: ByteReader,
    writer: ByteWriter,
    chunks: ChunkSource,
    options: TeeOptions,
    ended?: () => void,
  ) {
    const { chunkSize, policy, maxLagChunks } = checkedTee(options);
    this.startedAt = now();
    this.#policy = policy;
    this.#maxLag = maxLagChunks;
    // Only who agrees to wait for the branch waits for chunks that it has.
    this.#stock = new ChunkStock(chunks, chunkSize, policy === 'block');
    this.#fillings = new ReaderFillings(reader, this.#stock);
    this.#branch = new TeeBranch(writer, () => this.#branchMoved());
    this.#ended = ended;
  }

  /** Resolves when consumer and branch have come to an end, whichever, and all chunks are back. Never rejects. */
  get finished(): Promise<TeeReport> {
    return (this.#finished ??= new Promise((resolve) => {
      this.#finish = () => resolve(this.#report());
      if (this.#settled) this.#finish();
    }));
  }

  /** How the branch fares. */
  get branch(): TeeBranchReport {
    return this.#branch.report();
  }

  /** How many different chunks were needed so far. */
  get chunksLeased(): number {
    return this.#stock.leased;
  }

  /** Milliseconds since {@link startedAt}, until the end of what is read. */
  get elapsedMs(): number {
    return (this.#endedAt ?? now()) - this.startedAt;
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
    const filling = this.#current ?? this.#next();
    if (isPromise(filling)) return filling.then((got) => this.#deliver(got, into));
    return this.#deliver(filling, into);
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
  async pipeTo(writer: ByteWriter, { signal }: { signal?: AbortSignal } = {}): Promise<number> {
    const pieces = {
      next: () => this.#nextPiece(),
      cancel: (reason: unknown) => this.cancel(reason),
      // It always comes back: see `#interrupt`.
      stubborn: false,
    };
    const copied = new Transfer(pieces, writer, undefined, signal, () => {}).begin();
    const bytes = isPromise(copied) ? await copied : copied;
    try {
      const closed = writer.close?.();
      if (isPromise(closed)) await closed;
    } catch (error) {
      throw writeFailure(error);
    }
    return bytes;
  }

  /**
   * The consumer leaves: the reader is cancelled and the branch aborted, unless it has everything. A read
   * that is under way fails with `ERR_ABORTED`.
   *
   * @returns resolves when reader and branch are done with all chunks
   */
  async cancel(reason?: unknown): Promise<void> {
    const error = new MillraceError('ERR_ABORTED', 'The tee was left before its end', {
      cause: reason,
    });
    if (this.#atEnd) this.#branch.drop(error);
    else this.#fail(error);
    await this.finished;
  }

  #deliver(filling: Filling | undefined, into: Uint8Array): number {
    if (!filling) return 0;
    if (this.#failure) {
      filling.done();
      throw this.#failure;
    }
    const { bytes } = filling;
    const from = this.#at;
    const to = Math.min(from + into.length, bytes.length);
    into.set(to - from === bytes.length ? bytes : bytes.subarray(from, to));
    if (to < bytes.length) {
      this.#current = filling;
      this.#at = to;
    } else {
      this.#letGo();
      filling.done();
    }
    return to - from;
  }

  #letGo(): Filling | undefined {
    const filling = this.#current;
    this.#current = undefined;
    this.#at = 0;
    return filling;
  }

  /** What is left of the chunk that was begun, or the next. */
  #nextPiece(): Answer<Piece | undefined> {
    const at = this.#at;
    const begun = this.#letGo();
    if (!begun) return this.#next();
    return { bytes: begun.bytes.subarray(at), done: () => begun.done() };
  }

  #next(): Answer<Filling | undefined> {
    if (this.#failure) throw this.#failure;
    if (this.#interrupt) {
      throw new MillraceError('ERR_READ', 'Cannot read from the tee as a read is under way');
    }
    if (this.#atEnd) return undefined;
    const filling = this.#branch.lag < this.#maxLag ? this.#fill() : this.#waitForBranch();
    if (!isPromise(filling)) return filling;
    return new Promise<Filling | undefined>((resolve, reject) => {
      this.#interrupt = reject;
      filling.then((got) => {
        this.#interrupt = undefined;
        // It may have failed since, and nobody waits for the chunk any more.
        if (this.#failure) got?.done();
        else resolve(got);
      }, reject);
    }).finally(() => (this.#interrupt = undefined));
  }

  /** The branch is as far behind as it may be. */
  async #waitForBranch(): Promise<Filling | undefined> {
    if (this.#policy === 'block') {
      while (this.#branch.lag >= this.#maxLag && !this.#failure) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } else {
      // It may be behind only because the reader has left it no turn.
      await turn();
      if (this.#branch.lag >= this.#maxLag && !this.#failure) {
        this.#branch.drop(
          new MillraceError(
            'ERR_BRANCH_LAGGING',
            `Cannot go on with the branch as it is ${this.#maxLag} chunks behind; raise "maxLagChunks"`,
          ),
        );
      }
    }
    if (this.#failure) throw this.#failure;
    return this.#fill();
  }

  #fill(): Answer<Filling | undefined> {
    let filling: Answer<Filling | undefined>;
    try {
      filling = this.#fillings.next();
    } catch (error) {
      throw this.#fail(readFailure(error), true);
    }
    if (!isPromise(filling)) return this.#got(filling);
    const reading = filling.then(
      (got) => {
        this.#reading = undefined;
        return this.#got(got);
      },
      (error: unknown) => {
        this.#reading = undefined;
        throw this.#fail(readFailure(error), true);
      },
    );
    this.#reading = reading;
    return reading;
  }

  #got(filling: Filling | undefined): Answer<Filling | undefined> {
    if (!filling) return this.#end();
    this.bytesRead += filling.bytes.length;
    this.chunksUsed++;
    this.#branch.push(filling);
    if (!this.#failure) return filling;
    filling.done();
    throw this.#failure;
  }

  #end(): Answer<undefined> {
    if (this.#failure) throw this.#failure;
    this.#atEnd = true;
    this.#endedAt = now();
    this.#stock.close();
    this.#readerDone = true;
    this.#branch.end();
    this.#settle();
    if (this.#policy !== 'error') return undefined;
    return this.#branch.finished ? this.#conclude() : this.finished.then(() => this.#conclude());
  }

  #conclude(): undefined {
    if (this.#failure) throw this.#failure;
    return undefined;
  }

  #branchMoved(): void {
    const { error } = this.#branch;
    if (error && this.#policy === 'error') this.#fail(error);
    this.#wake?.();
    this.#settle();
  }

  #settle(): void {
    if (this.#settled || !this.#readerDone || !this.#branch.finished) return;
    this.#settled = true;
    this.#finish?.();
    this.#ended?.();
  }

  /** @returns the failure of the tee, which is the first one */
  #fail(error: MillraceError, byReader = false): MillraceError {
    if (this.#failure) return this.#failure;
    this.#failure = error;
    this.#letGo()?.done();
    this.#branch.drop(error);
    this.#wake?.();
    if (!this.#atEnd) {
      this.#endedAt = now();
      void this.#windUp(error, byReader);
    }
    this.#interrupt?.(error);
    return error;
  }

  async #windUp(error: MillraceError, byReader: boolean): Promise<void> {
    const cancel = async (): Promise<void> => this.#fillings.cancel(error);
    if (byReader) this.#stock.close();
    await Promise.allSettled([byReader || cancel(), this.#fillings.stubborn || this.#reading]);
    this.#readerDone = true;
    this.#settle();
  }

  #report(): TeeReport {
    const { bytesRead, chunksUsed, chunksLeased, elapsedMs, branch } = this;
    return { bytesRead, chunksUsed, chunksLeased, elapsedMs, error: this.#failure, branch };
  }
}

/** To ask for it each time takes longer than to read the clock. */
const { timeOrigin } = performance;

function now(): number {
  return timeOrigin + performance.now();
}

function turn(): Promise<void> {
  return new Promise((resolve) => afterTurn(resolve));
}
