/** The mill as a Node `Duplex`: what is written comes out transformed, in order, with back-pressure both ways. */
import { Duplex } from 'node:stream';
import type { Coordinator } from '../coordinator.js';
import type { Configured } from '../ops/configurations.js';
import { ChunkWindow, aborted, type Sink } from './chunk-window.js';
import { SequenceFeed, type Reader } from './feeds.js';
import { bytesOf } from './readers.js';

/** Takes what the stream's user writes; a write calls back when its bytes have been taken. */
class WriteSide implements Reader {
  #piece: Uint8Array | undefined;
  #taken: ((error?: Error | null) => void) | undefined;
  #ended = false;
  #wanted: (() => void) | undefined;

  give(piece: Uint8Array, taken: (error?: Error | null) => void): void {
    this.#piece = piece;
    this.#taken = taken;
    this.#wanted?.();
  }

  end(): void {
    this.#ended = true;
    this.#wanted?.();
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

  #letGo(): void {
    const taken = this.#taken;
    this.#piece = this.#taken = undefined;
    taken?.();
  }
}

/** Hands output to the stream's reader, as fast as it asks for it. */
class ReadSide implements Sink {
  readonly #push: (bytes: Uint8Array) => boolean;
  #asked: (() => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;

  constructor(push: (bytes: Uint8Array) => boolean) {
    this.#push = push;
  }

  ask(): void {
    this.#asked?.();
  }

  abort(error: unknown): void {
    this.#failed?.(error);
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    for (const part of parts) {
      // A copy, since a stream never says when its reader is done with a piece.
      if (part.length === 0 || this.#push(Buffer.from(part))) continue;
      await new Promise<void>((resolve, reject) => {
        this.#asked = resolve;
        this.#failed = reject;
      });
    }
  }
}

export function stream(coordinator: Coordinator, config: Configured): Duplex {
  const input = new WriteSide();
  const stop = new AbortController();
  let finished: Promise<unknown> | undefined;

  const duplex: Duplex = new Duplex({
    construct(callback) {
      const feed = new SequenceFeed(input, undefined, config.definition.split!);
      const window = new ChunkWindow(coordinator, config, feed, output, { signal: stop.signal });
      finished = window.run().then(
        () => duplex.push(null),
        (error: unknown) => duplex.destroy(error as Error),
      );
      callback();
    },
    write(piece: unknown, _encoding, callback) {
      input.give(bytesOf(piece), callback);
    },
    final(callback) {
      input.end();
      callback();
    },
    read() {
      output.ask();
    },
    destroy(error, callback) {
      stop.abort(error ?? aborted('the stream was destroyed'));
      input.end();
      // Closed means that no slice of it is lent any more.
      void (finished ?? Promise.resolve()).then(() => callback(error));
    },
  });
  const output = new ReadSide((bytes) => duplex.push(bytes));
  return duplex;
}
