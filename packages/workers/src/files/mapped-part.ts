/** A part of a mapped range: where its bytes lie, for as long as it is held. */
import { MillraceError, type BufferPools, type Slice } from '@millrace/core';
import { Loan } from '../ops/loan.js';
import type { MappedChunk, Stretch } from './mapped-chunk.js';

/** A chunk, and what of it is the part's. */
export interface HeldStretch {
  readonly chunk: MappedChunk;
  readonly stretch: Stretch;
}

export class MappedPart {
  /** Where it begins in the range. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  readonly #held: readonly HeldStretch[];
  readonly #loan: Loan;
  readonly #onRelease: () => void;
  #slices: Slice[] | undefined;
  #released = false;

  /** Use `MappedRange.view` or `edit`. */
  constructor(
    buffers: BufferPools,
    start: number,
    end: number,
    held: readonly HeldStretch[],
    onRelease: () => void,
  ) {
    this.start = start;
    this.end = end;
    this.#held = held;
    this.#loan = new Loan(buffers);
    this.#onRelease = onRelease;
  }

  get byteLength(): number {
    return this.end - this.start;
  }

  /**
   * All its bytes, in the shared memory. A view that is kept after {@link release} shows other bytes.
   *
   * @throws MillraceError `ERR_SIZE` when they lie in several chunks: see {@link vectors}; `ERR_SLICE_STALE`
   *   after {@link release}
   */
  get bytes(): Uint8Array {
    const vectors = this.vectors();
    if (vectors.length > 1) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot give bytes ${this.start} to ${this.end} of the range in one piece as they lie in ${vectors.length} chunks: take "vectors"`,
      );
    }
    return vectors[0] ?? new Uint8Array(0);
  }

  /**
   * Its bytes, chunk by chunk, such as `writev` takes.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  vectors(): Uint8Array[] {
    this.#check('use');
    return this.#held.map(({ chunk, stretch: { from, to } }) =>
      chunk.slice.bytes.subarray(from, to),
    );
  }

  [Symbol.iterator](): Iterator<Uint8Array> {
    return this.vectors()[Symbol.iterator]();
  }

  /**
   * The chunks it lies in, whole, as slices: for ops, which work on them where they lie. The first begins
   * {@link lead} bytes before the part, and the last may end behind it. They are lent: to release them, hand
   * them over or resize them is `ERR_SLICE_BORROWED`.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  get slices(): readonly Slice[] {
    this.#check('use');
    return (this.#slices ??= this.#held.map(({ chunk: { slice, length } }) =>
      this.#loan.lend([slice.ref, slice.lease, length]),
    ));
  }

  /** Where in the first of {@link slices} it begins. */
  get lead(): number {
    return this.#held[0]?.stretch.from ?? 0;
  }

  /**
   * Lets its chunks go: not while an op still works on them.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it was released before
   */
  release(): void {
    this.#check('release');
    this.#released = true;
    this.#loan.end();
    this.#onRelease();
  }

  /** Releases it unless that was done. */
  [Symbol.dispose](): void {
    if (!this.#released) this.release();
  }

  #check(action: string): void {
    if (!this.#released) return;
    throw new MillraceError(
      'ERR_SLICE_STALE',
      `Cannot ${action} bytes ${this.start} to ${this.end} of the range as they were released`,
    );
  }
}
