/**
 * The second consumer of a tee: what is written to it, in order, at its own pace.
 *
 *   push ──▶ [ chunk ][ chunk ] ──▶ [ chunk ] ──▶ writer
 *            └──── waiting ───┘     under way
 *            └────────── lag ─────────────────┘
 */
import type { MillraceError } from '../errors.js';
import { isPromise, type Answer } from './answer.js';
import type { ByteWriter } from './byte-io.js';
import type { Filling } from './chunk-stock.js';
import { writeFailure } from './io-failure.js';

/** `closed`: it has everything. `dropped`: it has not, and was aborted or has failed. */
export type TeeBranchState = 'open' | 'closed' | 'dropped';

export interface TeeBranchReport {
  readonly state: TeeBranchState;
  readonly bytesWritten: number;
  /** Chunks that it does not have yet. */
  readonly lagChunks: number;
  /** Why it was dropped: `ERR_BRANCH_LAGGING`, `ERR_WRITE`, `ERR_READ`, `ERR_ABORTED`. */
  readonly error: MillraceError | undefined;
}

export class TeeBranch {
  state: TeeBranchState = 'open';
  bytesWritten = 0;
  /** Why it was dropped. */
  error: MillraceError | undefined;
  /** It is over, and done with all chunks. */
  finished = false;
  readonly #writer: ByteWriter;
  readonly #moved: () => void;
  readonly #waiting: Filling[] = [];
  #underWay: Filling | undefined;
  #writing: Promise<void> | undefined;
  #complete = false;
  #closing = false;

  /** @param moved called when it lags less, when it is over, and when it is finished */
  constructor(writer: ByteWriter, moved: () => void) {
    this.#writer = writer;
    this.#moved = moved;
  }

  /** Chunks that it does not have yet; none once it is over. */
  get lag(): number {
    if (this.state !== 'open') return 0;
    return this.#waiting.length + (this.#underWay ? 1 : 0);
  }

  report(): TeeBranchReport {
    const { state, bytesWritten, lag, error } = this;
    return { state, bytesWritten, lagChunks: lag, error };
  }

  /** Writes a chunk when it is its turn. */
  push(filling: Filling): void {
    if (this.state !== 'open') return;
    filling.users++;
    if (this.#underWay) this.#waiting.push(filling);
    else this.#write(filling);
  }

  /** No more will come. */
  end(): void {
    this.#complete = true;
    if (!this.#underWay) this.#goOn();
  }

  /** Writes no more. Nothing happens when it is over, or closing. */
  drop(error: MillraceError): void {
    if (this.state !== 'open' || this.#closing) return;
    this.#over('dropped', error);
    for (const filling of this.#waiting.splice(0)) filling.done();
    void this.#abort(error);
  }

  /** After a write: the next, or the end. */
  #goOn(): void {
    while (this.state === 'open' && !this.#underWay && !this.#closing) {
      const filling = this.#waiting.shift();
      if (filling) this.#write(filling);
      else if (this.#complete) this.#close();
      else return;
    }
  }

  #write(filling: Filling): void {
    this.#underWay = filling;
    let answer: Answer<void>;
    try {
      answer = this.#writer.write(filling.bytes);
    } catch (error) {
      this.#settled();
      this.drop(writeFailure(error));
      return;
    }
    if (isPromise(answer)) {
      this.#writing = answer.then(
        () => {
          this.#wrote();
          this.#goOn();
        },
        (error: unknown) => {
          this.#settled();
          this.drop(writeFailure(error));
        },
      );
    } else this.#wrote();
  }

  #wrote(): void {
    this.bytesWritten += this.#underWay!.bytes.length;
    this.#settled();
    this.#moved();
  }

  #settled(): void {
    const filling = this.#underWay;
    this.#underWay = this.#writing = undefined;
    filling?.done();
  }

  #close(): void {
    this.#closing = true;
    let closed: Answer<void>;
    try {
      closed = this.#writer.close?.();
    } catch (error) {
      this.#closed(error);
      return;
    }
    if (isPromise(closed)) {
      closed.then(
        () => this.#closed(),
        (error: unknown) => this.#closed(error),
      );
    } else this.#closed();
  }

  #closed(...failure: unknown[]): void {
    if (failure.length === 0) this.#over('closed');
    else this.#over('dropped', writeFailure(failure[0]));
    this.#finish();
  }

  async #abort(error: MillraceError): Promise<void> {
    const tell = async (): Promise<void> => this.#writer.abort?.(error);
    const told = tell();
    // It may be in the midst of a write, whose promise is not there yet.
    await Promise.resolve();
    await Promise.allSettled([told, this.#writer.abort && this.#writing]);
    this.#finish();
  }

  #finish(): void {
    this.finished = true;
    this.#moved();
  }

  #over(state: TeeBranchState, error?: MillraceError): void {
    this.state = state;
    this.error = error;
    this.#moved();
  }
}
