/** The end of a flow where its user hands bytes in, one piece after the other. */
import type { Reader } from './feeds.js';

/** Told when a piece has been taken, or will never be. */
export type Taken = (error?: Error | null) => void;

export class HandIn implements Reader {
  #piece: Uint8Array | undefined;
  #taken: Taken | undefined;
  #ended = false;
  #wanted: (() => void) | undefined;

  /** Hands a piece in, which must stay as it is until `taken` is called. One at a time. */
  give(piece: Uint8Array, taken: Taken): void {
    this.#piece = piece;
    this.#taken = taken;
    this.#wanted?.();
  }

  /** No other piece will come. */
  end(): void {
    this.#ended = true;
    this.#wanted?.();
  }

  /** No more will be read: whoever waits for a piece to be taken is let go, with `error` if there is one. */
  stop(error?: Error | null): void {
    this.#letGo(error);
    this.end();
  }

  /** The flow has been stopped: a read that waits for a piece has nothing to wait for. */
  abort(): void {
    this.end();
  }

  async read(into: Uint8Array): Promise<number> {
    while (!this.#piece?.length) {
      this.#letGo();
      if (this.#ended) return 0;
      await new Promise<void>((resolve) => (this.#wanted = resolve));
    }
    const count = Math.min(into.length, this.#piece.length);
    into.set(this.#piece.subarray(0, count));
    this.#piece = this.#piece.subarray(count);
    if (this.#piece.length === 0) this.#letGo();
    return count;
  }

  #letGo(error?: Error | null): void {
    const taken = this.#taken;
    this.#piece = this.#taken = undefined;
    taken?.(error);
  }
}
