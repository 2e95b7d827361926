/**
 * Copies bytes into and out of a ring in the way that is cheapest for their number.
 *
 *   a whole view   `set`
 *   a few bytes    one by one
 *   up to 256      word by word, where both sides are aligned and the caller's view is the same as
 *                  last time; making the view of words that this needs costs as much as 64 bytes do
 *   more           `set` from a view of exactly the source, which costs as much as copying 30 bytes
 */
import { MillraceError } from '../errors.js';

const FEW_BYTES = 16;
const SOME_BYTES = 256;
const WORD_BYTES = 4;

export class ByteCopier {
  readonly #ring: Uint8Array;
  readonly #ringWords: Int32Array | undefined;
  /** The caller's view of last time, and its words once it has come twice. */
  #other: Uint8Array | undefined;
  #otherWords: Int32Array | undefined;

  constructor(ring: Uint8Array) {
    this.#ring = ring;
    this.#ringWords = wordsOf(ring);
  }

  /** Copies `count` bytes of `source`, from `from` on, to `index` of the ring. */
  into(index: number, source: Uint8Array, from: number, count: number): void {
    if (count <= SOME_BYTES && this.#areWords(index, source, from, count)) {
      const ring = this.#ringWords!;
      const words = this.#otherWords!;
      for (let to = index >> 2, at = from >> 2, end = to + (count >> 2); to < end;) {
        ring[to++] = words[at++]!;
      }
    } else {
      copy(source, from, this.#ring, index, count);
    }
  }

  /** Copies `count` bytes from `index` of the ring on to `to` of `target`. */
  outOf(index: number, target: Uint8Array, to: number, count: number): void {
    if (count <= SOME_BYTES && this.#areWords(index, target, to, count)) {
      const ring = this.#ringWords!;
      const words = this.#otherWords!;
      for (let from = index >> 2, at = to >> 2, end = from + (count >> 2); from < end;) {
        words[at++] = ring[from++]!;
      }
    } else {
      copy(this.#ring, index, target, to, count);
    }
  }

  #areWords(index: number, other: Uint8Array, at: number, count: number): boolean {
    if (((index | at | count) & (WORD_BYTES - 1)) !== 0 || !this.#ringWords) return false;
    if (other !== this.#other) {
      this.#other = other;
      this.#otherWords = undefined;
      return false;
    }
    return (this.#otherWords ??= wordsOf(other)) !== undefined;
  }
}

function wordsOf(bytes: Uint8Array): Int32Array | undefined {
  if (bytes.byteOffset % WORD_BYTES !== 0) return undefined;
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

function copy(
  source: Uint8Array,
  from: number,
  target: Uint8Array,
  at: number,
  count: number,
): void {
  if (count === source.length) {
    target.set(source, at);
  } else if (count <= FEW_BYTES) {
    for (let i = 0; i < count; i++) target[at + i] = source[from + i]!;
  } else {
    target.set(source.subarray(from, from + count), at);
  }
}

export function notWithin(from: number, to: number, length: number): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot move bytes ${from} to ${to} as they are not within the ${length} bytes given`,
  );
}
