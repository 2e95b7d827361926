/** The ways in which chunks get their input: by range of a file or of a slice, or in sequence. */
import { fstat } from 'node:fs';
import { promisify } from 'node:util';
import type { Slice } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import { wholePages } from '../threads/file-range.js';
import type { Chunk } from './chunk.js';
import type { Feed } from './chunk-window.js';
import type { Split } from '../ops/definition.js';

const fstatAsync = promisify(fstat);

/**
 * A regular file: every worker reads its own ranges, the main thread touches no byte.
 *
 * The file may grow: its size is looked at again before a chunk is declared the last. What has no room in
 * the slice for the whole of it then takes slices of its own.
 */
export class RangeFeed implements Feed {
  readonly abort = (): void => {};
  readonly inputBytes: number;
  readonly #file: number;
  readonly #direct: boolean;
  readonly #split: Split;
  readonly #whole: Slice | undefined;
  #size: number;
  #position = 0;

  /**
   * @param direct the file is open for direct reads, which begin and end with a page
   * @param whole has room for all of the file, each byte at its position
   */
  constructor(file: number, size: number, direct: boolean, split: Split, whole?: Slice) {
    this.#file = file;
    this.#size = size;
    this.#direct = direct;
    this.#split = split;
    this.#whole = whole;
    const { size: chunk, overlap = 0 } = split;
    const skewed = chunk % PAGE_BYTES !== 0 || overlap % PAGE_BYTES !== 0;
    this.inputBytes = direct
      ? wholePages(chunk + overlap) + (skewed ? PAGE_BYTES : 0)
      : chunk + overlap;
  }

  get totalBytes(): number {
    return this.#size;
  }

  get slice(): Slice | undefined {
    const end = this.#position + this.#nextBytes;
    return this.#whole && end <= this.#whole.byteLength ? this.#whole : undefined;
  }

  async prepare(): Promise<void> {
    if (this.#position + this.#split.size < this.#size) return;
    this.#size = Math.max(this.#size, (await fstatAsync(this.#file)).size);
  }

  async fill(chunk: Chunk): Promise<void> {
    const from = this.#position - Math.min(this.#position, this.#split.overlap ?? 0);
    chunk.file = this.#file;
    chunk.position = this.#position;
    chunk.lead = this.#position - from;
    chunk.direct = this.#direct;
    if (chunk.inputSlice === this.#whole) chunk.offset = from;
    else chunk.offset = this.#direct ? from % PAGE_BYTES : 0;
    chunk.length = this.#nextBytes;
    chunk.last = this.#position + chunk.length === this.#size;
    this.#position += chunk.length;
  }

  get #nextBytes(): number {
    return Math.min(this.#split.size, this.#size - this.#position);
  }
}

/** A slice that holds the whole object, or comes to hold it: chunks are ranges of it. */
export class SliceFeed implements Feed {
  readonly abort = (): void => {};
  /** None needs a slice of its own. */
  readonly inputBytes = 0;
  readonly slice: Slice;
  readonly totalBytes: number;
  readonly #split: Split;
  readonly #from: Uint8Array | undefined;
  #position = 0;

  /** @param from where the bytes are copied from, chunk by chunk; absent when they are in the slice */
  constructor(slice: Slice, split: Split, from?: Uint8Array) {
    this.slice = slice;
    this.totalBytes = from ? from.length : slice.byteLength;
    this.#split = split;
    this.#from = from;
  }

  async fill(chunk: Chunk): Promise<void> {
    chunk.lead = Math.min(this.#position, this.#split.overlap ?? 0);
    chunk.offset = this.#position - chunk.lead;
    chunk.position = this.#position;
    chunk.length = Math.min(this.#split.size, this.totalBytes - this.#position);
    this.#position += chunk.length;
    chunk.last = this.#position === this.totalBytes;
    const { position } = chunk;
    if (this.#from) this.slice.bytes.set(this.#from.subarray(position, this.#position), position);
  }
}

/** Something that is read from front to back. */
export interface Reader {
  /** Reads up to `into.length` bytes; 0 means that the end was reached. */
  read(into: Uint8Array): Promise<number>;
  /** Makes the read that is under way, if there is one, come back with nothing. */
  abort?(): void;
}

/**
 * A sequence: chunks are filled from it one after the other, each full but the last, so that the cut
 * does not depend on how the bytes arrived. One byte is read ahead, to know which chunk is the last.
 */
export class SequenceFeed implements Feed {
  readonly totalBytes: number | undefined;
  readonly inputBytes: number;
  readonly abort: (() => void) | undefined;
  readonly #reader: Reader;
  readonly #split: Split;
  /** The end of the previous chunk, which the next one sees in front of its input. */
  readonly #overlap: Uint8Array;
  #overlapBytes = 0;
  readonly #ahead = new Uint8Array(1);
  #hasAhead = false;
  #position = 0;

  constructor(reader: Reader, totalBytes: number | undefined, split: Split) {
    this.#reader = reader;
    this.abort = reader.abort && (() => reader.abort!());
    this.totalBytes = totalBytes;
    this.inputBytes = split.size + (split.overlap ?? 0);
    this.#split = split;
    this.#overlap = new Uint8Array(split.overlap ?? 0);
  }

  async fill(chunk: Chunk): Promise<void> {
    const lead = this.#overlapBytes;
    const { bytes } = chunk.inputSlice;
    bytes.set(this.#overlap.subarray(0, lead));
    const room = bytes.subarray(lead, lead + this.#split.size);

    let length = 0;
    if (this.#hasAhead) {
      room[0] = this.#ahead[0]!;
      length = 1;
    }
    while (length < room.length) {
      const count = await this.#reader.read(room.subarray(length));
      if (count === 0) break;
      length += count;
    }
    this.#hasAhead = length === room.length && (await this.#reader.read(this.#ahead)) > 0;

    chunk.lead = lead;
    chunk.length = length;
    chunk.position = this.#position;
    chunk.last = !this.#hasAhead;
    this.#position += length;
    this.#overlapBytes = Math.min(this.#overlap.length, lead + length);
    this.#overlap.set(bytes.subarray(lead + length - this.#overlapBytes, lead + length));
  }
}
