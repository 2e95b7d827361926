/**
 * Copies bytes into and out of a ring, around its end, in the way that is cheapest for their number.
 *
 *   up to 256      in words of eight bytes, or else of four, where both sides are so aligned and the caller's view is
 *                  the same as last time; the views of words that this needs take some 90 ns to make
 *   a whole view   `set`
 *   a few bytes    one by one
 *   more           `set` from a view of exactly the source, which costs as much as copying 30 bytes
 *
 * Words of eight bytes are `bigint`s to the language; compiled code moves them without making any. Doubles would move
 * as fast, but may come as others: what is not a number has no bits of its own.
 *
 * The compiler puts as much into one piece of code as its budget allows. So the commonest way comes first, and has
 * nothing about it that it can do without: all others are calls.
 */
import { MillraceError } from '../errors.js';

const FEW_BYTES = 16;
const SOME_BYTES = 256;
/** Of a cache line of most processors. */
const LINE_BYTES = 64;

export class ByteCopier {
  readonly #ring: Uint8Array;
  readonly #ringEights: BigInt64Array | undefined;
  readonly #ringFours: Int32Array | undefined;
  /** The caller's view of last time, and its words once it has come twice, as far as both sides have any. */
  #other: Uint8Array | undefined;
  #otherEights: BigInt64Array | undefined;
  #otherFours: Int32Array | undefined;

  constructor(ring: Uint8Array) {
    this.#ring = ring;
    this.#ringEights = eightsOf(ring);
    this.#ringFours = foursOf(ring);
  }

  /** Copies `count` bytes of `source`, from `from` on, to `index` of the ring and on from its start. */
  into(index: number, source: Uint8Array, from: number, count: number): void {
    const eights = source === this.#other ? this.#otherEights : undefined;
    if (eights !== undefined && this.#inEights(index | from | count, index + count, count)) {
      copyEights(eights, from >> 3, this.#ringEights!, index >> 3, count >> 3);
    } else {
      this.#intoOtherwise(index, source, from, count);
    }
  }

  /** Copies `count` bytes from `index` of the ring, and on from its start, to `to` of `target`. */
  outOf(index: number, target: Uint8Array, to: number, count: number): void {
    const eights = target === this.#other ? this.#otherEights : undefined;
    if (eights !== undefined && this.#inEights(index | to | count, index + count, count)) {
      copyEights(this.#ringEights!, index >> 3, eights, to >> 3, count >> 3);
    } else {
      this.#outOfOtherwise(index, target, to, count);
    }
  }

  /** Stores a byte in each line of `count` bytes of the ring, from `index` on: they are room. */
  touch(index: number, count: number): void {
    for (let at = index; at < index + count; at += LINE_BYTES) this.#ring[at] = 0;
  }

  #inEights(places: number, end: number, count: number): boolean {
    return (places & 7) === 0 && count <= SOME_BYTES && end <= this.#ring.length;
  }

  #intoOtherwise(index: number, source: Uint8Array, from: number, count: number): void {
    const first = Math.min(count, this.#ring.length - index);
    if (first < count) this.#intoOtherwise(0, source, from + first, count - first);
    if (this.#inFours(source, index | from | first, first)) {
      copyFours(this.#otherFours!, from >> 2, this.#ringFours!, index >> 2, first >> 2);
    } else {
      copy(source, from, this.#ring, index, first);
    }
  }

  #outOfOtherwise(index: number, target: Uint8Array, to: number, count: number): void {
    const first = Math.min(count, this.#ring.length - index);
    if (first < count) this.#outOfOtherwise(0, target, to + first, count - first);
    if (this.#inFours(target, index | to | first, first)) {
      copyFours(this.#ringFours!, index >> 2, this.#otherFours!, to >> 2, first >> 2);
    } else {
      copy(this.#ring, index, target, to, first);
    }
  }

  #inFours(other: Uint8Array, places: number, count: number): boolean {
    if ((places & 3) !== 0 || count > SOME_BYTES || this.#ringFours === undefined) return false;
    if (other !== this.#other) {
      this.#other = other;
      this.#otherEights = this.#otherFours = undefined;
      return false;
    }
    if (this.#ringEights !== undefined) this.#otherEights ??= eightsOf(other);
    return (this.#otherFours ??= foursOf(other)) !== undefined;
  }
}

function eightsOf(bytes: Uint8Array): BigInt64Array | undefined {
  if (bytes.byteOffset % 8 !== 0) return undefined;
  return new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length >> 3);
}

function foursOf(bytes: Uint8Array): Int32Array | undefined {
  if (bytes.byteOffset % 4 !== 0) return undefined;
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

/** Four at a time, which takes two thirds of the time of one. */
function copyEights(
  source: BigInt64Array,
  from: number,
  target: BigInt64Array,
  at: number,
  count: number,
): void {
  const end = at + count;
  for (; at + 4 <= end; at += 4, from += 4) {
    target[at] = source[from]!;
    target[at + 1] = source[from + 1]!;
    target[at + 2] = source[from + 2]!;
    target[at + 3] = source[from + 3]!;
  }
  while (at < end) target[at++] = source[from++]!;
}

function copyFours(
  source: Int32Array,
  from: number,
  target: Int32Array,
  at: number,
  count: number,
): void {
  for (const end = at + count; at < end;) target[at++] = source[from++]!;
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
