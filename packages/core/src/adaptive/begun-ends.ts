/**
 * Ends that have answered before: what was begun in one piece is gone through once more in the general
 * way, which gets the same answers, and asks for more where they end.
 */
import type { Answer } from './answer.js';
import type { ByteReader, ByteWriter } from './byte-io.js';
import type { Chunk, ChunkSource } from './chunk-stock.js';

/** Gives an answer again, or fails again. */
export type Replay<T> = () => Answer<T>;

export function given<T>(answer: Answer<T>): Replay<T> {
  return () => answer;
}

export function failing(error: unknown): () => never {
  return () => {
    throw error;
  };
}

export class BegunReader implements ByteReader {
  readonly cancel?: (reason: unknown) => void | Promise<void>;
  readonly #reader: ByteReader;
  readonly #answers: Replay<number>[];

  constructor(reader: ByteReader, answers: Replay<number>[]) {
    this.#reader = reader;
    this.#answers = answers;
    if (reader.cancel) this.cancel = (reason) => reader.cancel!(reason);
  }

  read(into: Uint8Array): Answer<number> {
    const answer = this.#answers.shift();
    return answer ? answer() : this.#reader.read(into);
  }
}

export class BegunWriter implements ByteWriter {
  readonly close?: () => void | Promise<void>;
  readonly abort?: (reason: unknown) => void | Promise<void>;
  readonly #writer: ByteWriter;
  readonly #answers: Replay<void>[];

  /** @param closed how it was closed, if it was */
  constructor(writer: ByteWriter, answers: Replay<void>[], closed?: Replay<void>) {
    this.#writer = writer;
    this.#answers = answers;
    if (writer.close) this.close = closed ?? (() => writer.close!());
    if (writer.abort) this.abort = (reason) => writer.abort!(reason);
  }

  write(bytes: Uint8Array): Answer<void> {
    const answer = this.#answers.shift();
    return answer ? answer() : this.#writer.write(bytes);
  }
}

/** One that has given its first chunk. */
export class BegunChunks implements ChunkSource {
  readonly #chunks: ChunkSource;
  #first: Replay<Chunk> | undefined;

  constructor(chunks: ChunkSource, first: Replay<Chunk>) {
    this.#chunks = chunks;
    this.#first = first;
  }

  take(bytes: number): Answer<Chunk> {
    const first = this.#first;
    if (!first) return this.#chunks.take(bytes);
    this.#first = undefined;
    return first();
  }

  tryTake(bytes: number): Chunk | undefined {
    return this.#chunks.tryTake(bytes);
  }

  filled(bytes: number): void {
    this.#chunks.filled?.(bytes);
  }
}
