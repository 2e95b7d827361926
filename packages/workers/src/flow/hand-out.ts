/** The end of a flow where a stream takes its output, as fast as the stream's reader asks for it. */
import type { Sink } from './flow.js';

export class HandOut implements Sink {
  readonly #push: (part: Uint8Array) => boolean;
  /** The reader has asked since the last part was pushed, perhaps while it was. */
  #asked = false;
  #stopped: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** `push` copies the part, and says whether the stream takes another at once. */
  constructor(push: (part: Uint8Array) => boolean) {
    this.#push = push;
  }

  /** The stream wants more. */
  ask(): void {
    this.#asked = true;
    this.#wake?.();
  }

  abort(error: unknown): void {
    this.#stopped = { error };
    this.#wake?.();
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      if (part.length === 0) continue;
      this.#asked = false;
      if (this.#push(part)) continue;
      while (!this.#asked && !this.#stopped) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      if (this.#stopped) throw this.#stopped.error;
    }
  }
}
