/** Reads ahead from a {@link Reader}, so that a parser can look before it takes. */
import { aborted } from './flow.js';
import { reading } from './io-error.js';
import type { Reader } from './feeds.js';

const READ_BYTES = 64 * 1024;

export class BufferedInput {
  readonly #reader: Reader;
  readonly #signal: AbortSignal | undefined;
  #ahead: Uint8Array = new Uint8Array(0);
  /** Bytes taken so far. */
  taken = 0;

  constructor(reader: Reader, signal: AbortSignal | undefined) {
    this.#reader = reader;
    this.#signal = signal;
  }

  /** What has been read and not taken: at least one byte, unless the input has ended. */
  async peek(): Promise<Uint8Array> {
    if (this.#ahead.length === 0) await this.#more();
    return this.#ahead;
  }

  /** Like {@link peek}, but at least `count` bytes, unless the input ends before. */
  async peekAtLeast(count: number): Promise<Uint8Array> {
    while (this.#ahead.length < count && (await this.#more()));
    return this.#ahead;
  }

  /** Takes `count` of the bytes that were peeked. */
  take(count: number): void {
    this.#ahead = this.#ahead.subarray(count);
    this.taken += count;
  }

  async #more(): Promise<boolean> {
    const piece = new Uint8Array(READ_BYTES);
    const count = await unlessAborted(this.#signal, reading(this.#reader.read(piece)));
    if (count === 0) return false;
    const read = piece.subarray(0, count);
    this.#ahead = this.#ahead.length === 0 ? read : Buffer.concat([this.#ahead, read]);
    return true;
  }
}

/**
 * To open a pipe or to read from it may take for ever: an aborted flow does not wait for that. What comes
 * of it all the same goes to `letGo`.
 */
export function unlessAborted<T>(
  signal: AbortSignal | undefined,
  pending: Promise<T>,
  letGo?: (late: T) => void,
): Promise<T> {
  if (!signal) return pending;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(aborted(signal.reason));
      if (letGo) pending.then(letGo, () => {});
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
