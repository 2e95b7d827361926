/** Gives memory back that nobody has used for a while. An idle mill has nothing to give, and no timer. */
import type { BufferPools } from '@millrace/core';

/** How long after its last use spare memory is given back. */
const TRIM_AFTER_MS = 10_000;

export class Trimming {
  readonly #buffers: BufferPools;
  readonly #inUse: () => boolean;
  #timer: NodeJS.Timeout | undefined;

  /** @param inUse whether memory is in use just now */
  constructor(buffers: BufferPools, inUse: () => boolean) {
    this.#buffers = buffers;
    this.#inUse = inUse;
  }

  /** Memory was used just now. */
  later(): void {
    this.#timer ??= setTimeout(this.#trim, TRIM_AFTER_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  readonly #trim = (): void => {
    this.#timer = undefined;
    if (this.#inUse()) this.later();
    else this.#buffers.trim();
  };
}
