/**
 * Letters: results that do not fit a cell, and errors. They come over the worker's control port, which
 * nobody listens to: a letter is fetched when its cell says that there is one.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';

/** Worker → main: the result of a task that does not fit its cell, or its error. */
export interface Letter {
  readonly cell: number;
  readonly value?: unknown;
  readonly error?: LetterError;
}

export interface LetterError {
  /** What was thrown, or its description where that cannot be cloned. */
  readonly cause: unknown;
  readonly message: string;
  /** The thrown error's code, which cloning loses. */
  readonly code?: unknown;
}

export class Letters {
  readonly #byCell = new Map<number, Letter>();

  /** The letter about `cell`; `undefined` when it is not readable yet, though posted before the cell was finished. */
  take(cell: number, port: MessagePort): Letter | undefined {
    for (;;) {
      const letter = this.#byCell.get(cell);
      if (letter) {
        this.#byCell.delete(cell);
        return letter;
      }
      const received = receiveMessageOnPort(port);
      if (!received) return undefined;
      const message = received.message as Letter;
      this.#byCell.set(message.cell, message);
    }
  }

  /** Forgets a letter of a task that did not finish. */
  discard(cell: number): void {
    this.#byCell.delete(cell);
  }
}
