/**
 * The flow of a tee: fills chunks, hands each to branch and consumer, and waits for whom it must.
 *
 * It ends when the reader has no more, or with the first failure, which is what the consumer is told. It
 * is settled when the reader is done, and the branch too.
 */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import { ChunkStock, type Filling } from './chunk-stock.js';
import { ReaderFillings, type Piece } from './fillings.js';
import { readFailure } from './io-failure.js';
import { turn } from './stretch.js';
import type { TeeEnds, TeeProgress } from './tee-at-once.js';
import { TeeBranch } from './tee-branch.js';
import type { CheckedTee, TeePolicy } from './tee-options.js';
import { wallClockMs } from './wall-clock.js';

export class TeeFlow {
  readonly branch: TeeBranch;
  readonly stock: ChunkStock;
  /** When the last was read. */
  endedAt: number | undefined;
  /** What the consumer is told, if it does not come to the end. */
  failure: MillraceError | undefined;
  settled = false;
  readonly #fillings: ReaderFillings;
  readonly #policy: TeePolicy;
  readonly #maxLag: number;
  readonly #progress: TeeProgress;
  readonly #onSettled: () => void;
  /** What of a chunk the consumer has not read yet. */
  #current: Filling | undefined;
  #at = 0;
  #reading: Promise<unknown> | undefined;
  /** Ends the wait of the consumer, while there is one. */
  #interrupt: ((error: unknown) => void) | undefined;
  #wake: (() => void) | undefined;
  #whenSettled: (() => void) | undefined;
  #atEnd = false;
  /** Nothing of the reader's is under way any more. */
  #readerDone = false;

  constructor(
    { reader, branch, chunks }: TeeEnds,
    { chunkSize, policy, maxLagChunks }: CheckedTee,
    progress: TeeProgress,
    onSettled: () => void,
  ) {
    this.#policy = policy;
    this.#maxLag = maxLagChunks;
    this.#progress = progress;
    this.#onSettled = onSettled;
    // Only who agrees to wait for the branch waits for chunks that it has.
    this.stock = new ChunkStock(chunks, chunkSize, policy === 'block');
    this.#fillings = new ReaderFillings(reader, this.stock);
    this.branch = new TeeBranch(branch, () => this.#branchMoved());
  }

  /** Copies the next bytes into `into`; as {@link ByteReader}. */
  read(into: Uint8Array): Answer<number> {
    const filling = this.#current ?? this.#next();
    if (isPromise(filling)) return filling.then((got) => this.#deliver(got, into));
    return this.#deliver(filling, into);
  }

  /** What is left of the chunk that was begun, or the next. */
  nextPiece(): Answer<Piece | undefined> {
    const at = this.#at;
    const begun = this.#letGo();
    if (!begun) return this.#next();
    return { bytes: begun.bytes.subarray(at), done: () => begun.done() };
  }

  /** The consumer leaves. */
  leave(reason: unknown): void {
    const error = new MillraceError('ERR_ABORTED', 'The tee was left before its end', {
      cause: reason,
    });
    if (this.#atEnd) this.branch.drop(error);
    else this.#fail(error);
  }

  #deliver(filling: Filling | undefined, into: Uint8Array): number {
    if (!filling) return 0;
    if (this.failure) {
      filling.done();
      throw this.failure;
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

  #next(): Answer<Filling | undefined> {
    if (this.failure) throw this.failure;
    if (this.#interrupt) {
      throw new MillraceError('ERR_READ', 'Cannot read from the tee as a read is under way');
    }
    if (this.#atEnd) return undefined;
    const filling = this.branch.lag < this.#maxLag ? this.#fill() : this.#waitForBranch();
    if (!isPromise(filling)) return filling;
    return new Promise<Filling | undefined>((resolve, reject) => {
      this.#interrupt = reject;
      filling.then((got) => {
        this.#interrupt = undefined;
        // It may have failed since, and nobody waits for the chunk any more.
        if (this.failure) got?.done();
        else resolve(got);
      }, reject);
    }).finally(() => (this.#interrupt = undefined));
  }

  /** The branch is as far behind as it may be. */
  async #waitForBranch(): Promise<Filling | undefined> {
    if (this.#policy === 'block') {
      while (this.branch.lag >= this.#maxLag && !this.failure) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } else {
      // It may be behind only because the reader has left it no turn.
      await turn();
      if (this.branch.lag >= this.#maxLag && !this.failure) {
        this.branch.drop(
          new MillraceError(
            'ERR_BRANCH_LAGGING',
            `Cannot go on with the branch as it is ${this.#maxLag} chunks behind; raise "maxLagChunks"`,
          ),
        );
      }
    }
    if (this.failure) throw this.failure;
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
    this.#progress.bytesRead += filling.bytes.length;
    this.#progress.chunksUsed++;
    this.branch.push(filling);
    if (!this.failure) return filling;
    filling.done();
    throw this.failure;
  }

  #end(): Answer<undefined> {
    if (this.failure) throw this.failure;
    this.#atEnd = true;
    this.endedAt = wallClockMs();
    this.stock.close();
    this.#readerDone = true;
    this.branch.end();
    this.#settle();
    if (this.#policy !== 'error') return undefined;
    if (this.branch.finished) return this.#conclude();
    const settled = new Promise<void>((resolve) => (this.#whenSettled = resolve));
    return settled.then(() => this.#conclude());
  }

  #conclude(): undefined {
    if (this.failure) throw this.failure;
    return undefined;
  }

  #branchMoved(): void {
    const { error } = this.branch;
    if (error && this.#policy === 'error') this.#fail(error);
    this.#wake?.();
    this.#settle();
  }

  #settle(): void {
    if (this.settled || !this.#readerDone || !this.branch.finished) return;
    this.settled = true;
    this.#onSettled();
    this.#whenSettled?.();
  }

  /** @returns the failure of the tee, which is the first one */
  #fail(error: MillraceError, byReader = false): MillraceError {
    if (this.failure) return this.failure;
    this.failure = error;
    this.#letGo()?.done();
    this.branch.drop(error);
    this.#wake?.();
    if (!this.#atEnd) {
      this.endedAt = wallClockMs();
      void this.#windUp(error, byReader);
    }
    this.#interrupt?.(error);
    return error;
  }

  async #windUp(error: MillraceError, byReader: boolean): Promise<void> {
    const cancel = async (): Promise<void> => this.#fillings.cancel(error);
    if (byReader) this.stock.close();
    const told = byReader || cancel();
    // It may be in the midst of a read, whose promise is not there yet.
    await Promise.resolve();
    await Promise.allSettled([told, this.#fillings.stubborn || this.#reading]);
    this.#readerDone = true;
    this.#settle();
  }
}
