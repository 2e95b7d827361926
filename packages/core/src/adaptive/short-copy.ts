/**
 * Copies of what one buffer holds, between ends that answer at once: a read, a write, and a read that
 * finds the end. Whatever else happens is left to a copy in chunks, which goes on from there.
 */
import { isPromise, type Answer } from './answer.js';
import type { ByteReader, ByteWriter } from './byte-io.js';

/** Who goes on with what was begun: its first answers are those that were given already. */
export interface LongCopy {
  /** Its first chunk is the buffer that was begun with. */
  goOn(dst: ByteWriter, src: ByteReader, signal: AbortSignal | undefined): Answer<number>;
  /** So many bytes were read; what {@link goOn} reads is not told again. */
  filled(bytes: number): void;
}

/** @returns how many bytes were copied */
export function copyShort(
  dst: ByteWriter,
  src: ByteReader,
  buffer: { readonly bytes: Uint8Array; part(count: number): Uint8Array },
  copy: LongCopy,
  signal: AbortSignal | undefined,
): Answer<number> {
  const goOn = (to: ByteWriter, first: () => Answer<number>): Answer<number> =>
    copy.goOn(to, new BegunReader(src, first), signal);
  const room = buffer.bytes;
  let count: Answer<number>;
  try {
    count = src.read(room);
  } catch (error) {
    return goOn(dst, failing(error));
  }
  if (count === 0) return 0;
  if (isPromise(count) || !(count > 0 && count <= room.length)) return goOn(dst, given(count));
  let written: Answer<void>;
  try {
    written = dst.write(buffer.part(count));
  } catch (error) {
    return goOn(new BegunWriter(dst, failing(error)), given(count));
  }
  if (isPromise(written)) return goOn(new BegunWriter(dst, given(written)), given(count));
  copy.filled(count);
  let next: Answer<number>;
  try {
    next = src.read(room);
  } catch (error) {
    return added(count, goOn(dst, failing(error)));
  }
  return next === 0 ? count : added(count, goOn(dst, given(next)));
}

function added(count: number, rest: Answer<number>): Answer<number> {
  return isPromise(rest) ? rest.then((bytes) => count + bytes) : count + rest;
}

function given<T>(answer: T): () => T {
  return () => answer;
}

function failing(error: unknown): () => never {
  return () => {
    throw error;
  };
}

class BegunReader implements ByteReader {
  readonly cancel?: (reason: unknown) => void | Promise<void>;
  readonly #reader: ByteReader;
  #first: (() => Answer<number>) | undefined;

  constructor(reader: ByteReader, first: () => Answer<number>) {
    this.#reader = reader;
    this.#first = first;
    if (reader.cancel) this.cancel = (reason) => reader.cancel!(reason);
  }

  read(into: Uint8Array): Answer<number> {
    const first = this.#first;
    if (!first) return this.#reader.read(into);
    this.#first = undefined;
    return first();
  }
}

class BegunWriter implements ByteWriter {
  readonly abort?: (reason: unknown) => void | Promise<void>;
  readonly #writer: ByteWriter;
  #first: (() => Answer<void>) | undefined;

  constructor(writer: ByteWriter, first: () => Answer<void>) {
    this.#writer = writer;
    this.#first = first;
    if (writer.abort) this.abort = (reason) => writer.abort!(reason);
  }

  write(bytes: Uint8Array): Answer<void> {
    const first = this.#first;
    if (!first) return this.#writer.write(bytes);
    this.#first = undefined;
    return first();
  }
}
