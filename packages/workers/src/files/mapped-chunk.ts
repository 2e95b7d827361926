/** A chunk of a mapped range that is in memory, and what of it has been changed. */
import type { Slice } from '@millrace/core';

/** Bytes of a chunk, from its beginning. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export class MappedChunk {
  readonly index: number;
  /** Whole pages. */
  readonly slice: Slice;
  /** Bytes of it that are the range's. */
  readonly length: number;
  /** Parts that hold it, and reads and writes under way: while there are any, it stays. */
  uses = 0;
  /** Settles when it has been read; absent when that is done. */
  loading: Promise<void> | undefined;
  /** It is not to be found any more: its memory goes back after its last use. */
  gone = false;
  /** The least stretch that holds all that was changed. */
  #from = Infinity;
  #to = 0;
  /** What somebody may be changing now. */
  readonly #edits = new Set<Stretch>();

  constructor(index: number, slice: Slice, length: number) {
    this.index = index;
    this.slice = slice;
    this.length = length;
  }

  /** Whether it has what the file may not have. */
  get dirty(): boolean {
    return this.#to > 0 || this.#edits.size > 0;
  }

  /** Somebody may change `stretch`, until the end of the edit. */
  beginEdit(stretch: Stretch): void {
    this.#edits.add(stretch);
  }

  endEdit(stretch: Stretch): void {
    this.#edits.delete(stretch);
    this.soil(stretch);
  }

  /** `stretch` is not as it is in the file. */
  soil({ from, to }: Stretch): void {
    this.#from = Math.min(this.#from, from);
    this.#to = Math.max(this.#to, to);
  }

  /** What is to be written. It counts as written from now on, but for what somebody may still be changing. */
  clean(): Stretch {
    let [from, to] = [this.#from, this.#to];
    for (const edit of this.#edits) {
      from = Math.min(from, edit.from);
      to = Math.max(to, edit.to);
    }
    this.#from = Infinity;
    this.#to = 0;
    return { from, to };
  }
}
