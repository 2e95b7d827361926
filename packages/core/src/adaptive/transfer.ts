/**
 * Carries fillings to a writer, one after the other, and gets the next one while a write is under way.
 *
 * It is driven by whoever has an answer for it, and not by a loop that awaits: what is there at once
 * takes no promise, and an end that never answers holds up nothing when the other one has failed.
 */
import { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import type { ByteWriter } from './byte-io.js';
import type { Fillings, Piece } from './fillings.js';
import { readFailure, writeFailure } from './io-failure.js';
import { Stretch, afterTurn } from './stretch.js';

export class Transfer {
  readonly #from: Fillings;
  readonly #to: ByteWriter;
  readonly #exactly: number | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #ended: () => void;
  readonly #stretch = new Stretch();
  /** Bytes that are written, and bytes that are or are being written. */
  #written = 0;
  #taken = 0;
  #reading: Promise<unknown> | undefined;
  #ready: Piece | undefined;
  #writing: Promise<unknown> | undefined;
  #atEnd = false;
  #finished = false;
  #failed = false;
  #onAbort: (() => void) | undefined;
  #pausing = false;
  #resolve: ((bytes: number) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  /**
   * @param exactly how many bytes there must be, if that matters
   * @param ended called when no more chunks are needed
   */
  constructor(
    from: Fillings,
    to: ByteWriter,
    exactly: number | undefined,
    signal: AbortSignal | undefined,
    ended: () => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#exactly = exactly;
    this.#signal = signal;
    this.#ended = ended;
  }

  begin(): Answer<number> {
    this.#go();
    if (this.#finished) return this.#written;
    if (this.#signal && !this.#failed) {
      this.#onAbort = () => this.#aborted();
      this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  #aborted(): void {
    this.#fail(
      new MillraceError('ERR_ABORTED', 'The flow was aborted', { cause: this.#signal?.reason }),
    );
  }

  /** Goes on until something has to be waited for. */
  #go(): void {
    // Most copies end within the first round, and look at no clock.
    for (let rounds = 0; !this.#failed && !this.#finished; rounds++) {
      if (this.#signal?.aborted) {
        this.#aborted();
        return;
      }
      if (rounds > 1 && this.#stretch.over()) {
        this.#pause();
        return;
      }
      if (!this.#ready && !this.#atEnd && !this.#reading) this.#read();
      if (this.#writing) return;
      if (this.#ready) this.#write(this.#ready);
      else if (this.#atEnd) this.#finish();
      else return;
    }
  }

  #pause(): void {
    if (this.#pausing) return;
    this.#pausing = true;
    afterTurn(() => {
      this.#pausing = false;
      this.#stretch.restart();
      this.#go();
    });
  }

  #read(): void {
    let next: Answer<Piece | undefined>;
    try {
      next = this.#from.next();
    } catch (error) {
      this.#fail(readFailure(error), this.#from);
      return;
    }
    if (isPromise(next)) {
      this.#reading = next.then(
        (piece) => {
          this.#reading = undefined;
          this.#got(piece);
          this.#resume();
        },
        (error: unknown) => {
          this.#reading = undefined;
          this.#fail(readFailure(error), this.#from);
        },
      );
    } else this.#got(next);
  }

  #got(piece: Piece | undefined): void {
    if (!piece) this.#atEnd = true;
    else if (this.#failed) piece.done();
    else this.#ready = piece;
  }

  #write(piece: Piece): void {
    this.#ready = undefined;
    const { length } = piece.bytes;
    this.#taken += length;
    if (this.#exactly !== undefined && this.#taken > this.#exactly) {
      piece.done();
      this.#fail(mismatch(this.#exactly, 'there are more'));
      return;
    }
    let answer: Answer<void>;
    try {
      answer = this.#to.write(piece.bytes);
    } catch (error) {
      piece.done();
      this.#fail(writeFailure(error), this.#to);
      return;
    }
    if (isPromise(answer)) {
      this.#writing = answer.then(
        () => {
          this.#writing = undefined;
          this.#written += length;
          piece.done();
          this.#resume();
        },
        (error: unknown) => {
          this.#writing = undefined;
          piece.done();
          this.#fail(writeFailure(error), this.#to);
        },
      );
    } else {
      this.#written += length;
      piece.done();
    }
  }

  /** After an answer that was waited for: answers may come in a row without a turn between them. */
  #resume(): void {
    if (this.#stretch.over()) this.#pause();
    else this.#go();
  }

  #finish(): void {
    if (this.#exactly !== undefined && this.#written < this.#exactly) {
      this.#fail(mismatch(this.#exactly, `there are ${this.#written}`));
      return;
    }
    this.#finished = true;
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#ended();
    this.#resolve?.(this.#written);
  }

  #fail(error: unknown, culprit?: Fillings | ByteWriter): void {
    if (this.#failed || this.#finished) return;
    this.#failed = true;
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#ready?.done();
    this.#ready = undefined;
    void this.#windUp(error, culprit);
  }

  /** Tells both ends, and waits until they are done. */
  async #windUp(error: unknown, culprit: Fillings | ByteWriter | undefined): Promise<void> {
    // What fails at once has no promise yet to be rejected.
    await Promise.resolve();
    const { stubborn } = this.#from;
    await Promise.allSettled([
      culprit === this.#from || tell(() => this.#from.cancel(error)),
      tell(() => this.#to.abort?.(error)),
      stubborn || this.#reading,
      this.#to.abort && this.#writing,
    ]);
    this.#ended();
    this.#reject?.(error);
  }
}

async function tell(end: () => void | Promise<void>): Promise<void> {
  await end();
}

function mismatch(size: number, found: string): MillraceError {
  return new MillraceError(
    'ERR_SIZE_MISMATCH',
    `Cannot copy exactly ${size} bytes as ${found} in the input`,
  );
}
