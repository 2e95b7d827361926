/**
 * Copies of what one buffer holds, between ends that answer at once: a read, a write, and a read that
 * finds the end. Whatever else happens is left to a copy in chunks, which goes on from there.
 */
import { isPromise, type Answer } from './answer.js';
import type { ByteReader, ByteWriter } from './byte-io.js';

/** Goes on with what was begun: the first answers are those that were given already. */
export type Rest = (dst: ByteWriter, src: ByteReader) => Answer<number>;

/**
 * @param room must be what the first chunk of `rest` is
 * @param filled is told how many bytes were read into it, unless that is left to `rest`
 * @returns how many bytes were copied
 */
export function copyShort(
  dst: ByteWriter,
  src: ByteReader,
  room: Uint8Array,
  rest: Rest,
  filled: (bytes: number) => void,
): Answer<number> {
  let count: Answer<number>;
  try {
    count = src.read(room);
  } catch (error) {
    return rest(dst, new BegunReader(src, failing(error)));
  }
  if (count === 0) return 0;
  if (isPromise(count) || !(count > 0 && count <= room.length)) {
    const answer = count;
    return rest(dst, new BegunReader(src, () => answer));
  }
  const got = count;
  let written: Answer<void>;
  try {
    written = dst.write(got === room.length ? room : room.subarray(0, got));
  } catch (error) {
    return rest(new BegunWriter(dst, failing(error)), new BegunReader(src, () => got));
  }
  if (isPromise(written)) {
    const writing = written;
    return rest(new BegunWriter(dst, () => writing), new BegunReader(src, () => got));
  }
  filled(got);
  let next: Answer<number>;
  try {
    next = src.read(room);
  } catch (error) {
    return added(got, rest(dst, new BegunReader(src, failing(error))));
  }
  if (next === 0) return got;
  return added(got, rest(dst, new BegunReader(src, () => next)));
}

function added(count: number, rest: Answer<number>): Answer<number> {
  return isPromise(rest) ? rest.then((bytes) => count + bytes) : count + rest;
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
