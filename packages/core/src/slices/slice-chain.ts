/**
 * A slice chain: bytes that lie in many slices, in one order, without being copied together.
 *
 *   chain      | segment 0 | segment 1      | segment 2 |
 *                    │             │               │
 *   slice      [ ····█████ ]  [ ██████████ ]  [ ████████·· ]     a segment is a range of a slice
 *
 * The chain takes the slices over: it releases each of them, once, when no chain has a segment of it any
 * more. After a split two chains can have segments of one slice, so that each slice has a count of its
 * segments. The count is this thread's own, as the chains are; it is found by the slice, and so it holds
 * for a slice that was appended twice, too.
 *
 * What must hold: `byteLength` is the sum of the segments' lengths; a slice's count is the number of
 * segments of it in all chains; nobody but the chain releases a slice that it has taken over.
 */
import { MillraceError } from '../errors.js';
import type { Slice } from './slice.js';

interface Segment {
  readonly slice: Slice;
  readonly from: number;
  readonly to: number;
  /** Made when it is first asked for: a view costs more than a segment. */
  view?: Uint8Array<SharedArrayBuffer>;
}

/** How many segments there are of each slice that chains of this thread have taken over. */
const segmentsOf = new WeakMap<Slice, number>();

export class SliceChain {
  #segments: Segment[] = [];
  #byteLength = 0;

  /** A chain of these slices, whole and in this order. */
  static of(...slices: readonly Slice[]): SliceChain {
    const chain = new SliceChain();
    for (const slice of slices) chain.append(slice);
    return chain;
  }

  /** Bytes in all segments. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * Takes `slice` over and adds its bytes from `from` to `to` at the end.
   *
   * @param from @defaultValue 0
   * @param to @defaultValue `slice.byteLength`
   * @throws MillraceError `ERR_INVALID_ARG` when the range is not within the slice, `ERR_SLICE_STALE`
   *   when its lease has ended
   */
  append(slice: Slice, from = 0, to = slice.byteLength): this {
    this.#segments.push(this.#takeOver(slice, from, to));
    return this;
  }

  /** Like {@link append}, but in front of all others. */
  prepend(slice: Slice, from = 0, to = slice.byteLength): this {
    this.#segments.unshift(this.#takeOver(slice, from, to));
    return this;
  }

  /** Moves all of `other` to the end of this chain; `other` is empty after that. */
  join(other: SliceChain): this {
    if (other === this) return this;
    for (const segment of other.#segments) this.#segments.push(segment);
    this.#byteLength += other.#byteLength;
    other.#segments = [];
    other.#byteLength = 0;
    return this;
  }

  /**
   * Cuts the chain in two: it keeps the bytes before `offset`, and those from there on are returned as
   * a chain of their own. Nothing is copied. Both must be released.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `offset` is not from 0 to `byteLength`
   */
  split(offset: number): SliceChain {
    this.#checkOffset('split', offset);
    const rest = new SliceChain();
    const [index, within] = this.#find(offset);
    rest.#segments = this.#segments.splice(index);
    rest.#byteLength = this.#byteLength - offset;
    this.#byteLength = offset;
    const cut = rest.#segments[0];
    if (cut && within > 0) {
      const { slice, from, to } = cut;
      this.#segments.push({ slice, from, to: from + within });
      rest.#segments[0] = { slice, from: from + within, to };
      segmentsOf.set(slice, segmentsOf.get(slice)! + 1);
    }
    return rest;
  }

  /**
   * Drops the first `count` bytes, and releases the slices that are no longer needed: for what a
   * partial write has written.
   *
   * @throws MillraceError `ERR_INVALID_ARG` when `count` is not from 0 to `byteLength`
   */
  consume(count: number): void {
    const rest = this.split(count);
    this.release();
    this.join(rest);
  }

  /** The segments' bytes, in order, onto the shared memory; empty ones are left out. */
  *[Symbol.iterator](): Generator<Uint8Array<SharedArrayBuffer>> {
    for (const segment of this.#segments) if (segment.to > segment.from) yield viewOf(segment);
  }

  /** The same as an array, such as `readv` and `writev` take. */
  vectors(): Uint8Array<SharedArrayBuffer>[] {
    return [...this];
  }

  /**
   * Copies the bytes from `from` to `to` into `target`, as many as fit.
   *
   * @param at where in `target` they go. @defaultValue 0
   * @param from @defaultValue 0
   * @param to @defaultValue `byteLength`
   * @returns how many bytes that were
   * @throws MillraceError `ERR_INVALID_ARG` when the range is not within the chain
   */
  copyTo(target: Uint8Array, at = 0, from = 0, to = this.#byteLength): number {
    this.#checkOffset('copy from', from);
    this.#checkOffset('copy to', to);
    const end = Math.min(to, from + Math.max(0, target.length - at));
    let [index, within] = this.#find(from);
    let copied = 0;
    while (from + copied < end) {
      const view = viewOf(this.#segments[index++]!);
      const part = view.subarray(within, within + end - from - copied);
      target.set(part, at + copied);
      copied += part.length;
      within = 0;
    }
    return copied;
  }

  /**
   * Where `wanted`, a byte or several, first occurs, also across segments.
   *
   * @param from where to begin to look. @defaultValue 0
   * @returns its offset, or −1
   * @throws MillraceError `ERR_INVALID_ARG` when `from` is not from 0 to `byteLength`
   */
  indexOf(wanted: number | Uint8Array, from = 0): number {
    this.#checkOffset('search from', from);
    const bytes = typeof wanted === 'number' ? [wanted & 0xff] : wanted;
    if (bytes.length === 0) return from;
    let [index, within] = this.#find(from);
    let offset = from - within;
    for (; index < this.#segments.length; index++, within = 0) {
      const view = viewOf(this.#segments[index]!);
      let hit = view.indexOf(bytes[0]!, within);
      for (; hit >= 0; hit = view.indexOf(bytes[0]!, hit + 1)) {
        if (this.#matches(index, hit, bytes)) return offset + hit;
      }
      offset += view.length;
    }
    return -1;
  }

  /**
   * Ends the leases of all slices that no other chain has a segment of; this chain is empty then, and
   * may be used again.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when somebody else has released one of them; the others are
   *   released all the same
   */
  release(): void {
    const segments = this.#segments;
    this.#segments = [];
    this.#byteLength = 0;
    const failures: unknown[] = [];
    for (const { slice } of segments) {
      try {
        letGo(slice);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** How many segments there are, and of how many slices. */
  stats(): { segments: number; slices: number; byteLength: number } {
    return {
      segments: this.#segments.length,
      slices: new Set(this.#segments.map(({ slice }) => slice)).size,
      byteLength: this.#byteLength,
    };
  }

  #takeOver(slice: Slice, from: number, to: number): Segment {
    if (!(
      Number.isInteger(from) &&
      Number.isInteger(to) &&
      0 <= from &&
      from <= to &&
      to <= slice.byteLength
    )) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot chain bytes ${from} to ${to} as they are not within the slice of ${slice.byteLength} bytes`,
      );
    }
    if (!slice.live) {
      throw new MillraceError('ERR_SLICE_STALE', 'Cannot chain a slice whose lease has ended');
    }
    segmentsOf.set(slice, (segmentsOf.get(slice) ?? 0) + 1);
    this.#byteLength += to - from;
    return { slice, from, to };
  }

  /** The segment in which `offset` lies, and where in it; the end lies in no segment, one after the last. */
  #find(offset: number): [index: number, within: number] {
    let within = offset;
    for (const [index, { from, to }] of this.#segments.entries()) {
      if (within < to - from) return [index, within];
      within -= to - from;
    }
    return [this.#segments.length, within];
  }

  /** Whether `bytes` stand at `within` of segment `index` and on. */
  #matches(index: number, within: number, bytes: ArrayLike<number>): boolean {
    let view = viewOf(this.#segments[index]!);
    for (let i = 0, at = within; i < bytes.length; i++, at++) {
      while (at >= view.length) {
        const next = this.#segments[++index];
        if (!next) return false;
        view = viewOf(next);
        at = 0;
      }
      if (view[at] !== bytes[i]) return false;
    }
    return true;
  }

  #checkOffset(action: string, offset: number): void {
    if (Number.isInteger(offset) && offset >= 0 && offset <= this.#byteLength) return;
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot ${action} byte ${String(offset)} as the chain has ${this.#byteLength} bytes`,
    );
  }
}

function viewOf(segment: Segment): Uint8Array<SharedArrayBuffer> {
  return (segment.view ??= segment.slice.bytes.subarray(segment.from, segment.to));
}

/** One segment fewer of `slice`; without any, its lease ends. */
function letGo(slice: Slice): void {
  const left = segmentsOf.get(slice)! - 1;
  if (left > 0) {
    segmentsOf.set(slice, left);
  } else {
    segmentsOf.delete(slice);
    slice.release();
  }
}
