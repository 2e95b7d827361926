/** One chunk on its way: its slices, its task, and where it stands. */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import {
  ELSEWHERE,
  USUAL_TERMS,
  type Outcome,
  type Task,
  type Terms,
  type Trouble,
} from '../dispatch/task.js';
import { FILE_ENDED, IN_PLACE, NUMBER } from '../dispatch/layout.js';
import type { Configured } from '../ops/configurations.js';
import type { Lot } from '../supply/memory-line.js';

/** Those of most: made once, as it shows in a round trip of a few microseconds. */
const USUAL_PART: Terms = { ...USUAL_TERMS, bulk: true, large: true };

/** Of a part of a large operation: small tasks go first. Of one that a task of a large operation has done. */
export function partTerms(usual: Terms = USUAL_TERMS, large: boolean, exempt: boolean): Terms {
  if (!large && !exempt) return usual;
  return large && usual === USUAL_TERMS ? USUAL_PART : { ...usual, bulk: large, large: true };
}

export interface ChunkSlices {
  readonly input: Slice;
  /** Absent for an op that works in place, or gives a value. */
  readonly output: Slice | undefined;
  /** Those of them that the chunk gives back: not one whose other ranges are other chunks', for instance. */
  readonly own: Lot;
}

export class Chunk implements Task {
  readonly config: Configured;
  readonly inputSlice: Slice;
  readonly outputSlice: Slice | undefined;
  /** Where the lead begins in the slice: more than 0 for direct reads, which begin with a page, and in a slice that holds the whole object. */
  offset = 0;
  lead = 0;
  length = 0;
  file = -1;
  direct = false;
  position = 0;
  target = -1;
  last = false;
  readonly terms: Terms;
  cell = ELSEWHERE;
  trouble: Trouble | undefined = undefined;
  /** Bytes of output, once settled. */
  size = 0;
  /** What the op returned for `merge`: of a transform, a number. */
  value: unknown;
  settled = false;
  error: unknown;
  readonly own: Lot;
  /** The input file was shorter than it had been. */
  inputEnded = false;
  readonly #onSettled: () => void;

  constructor(
    config: Configured,
    terms: Terms,
    { input, output, own }: ChunkSlices,
    onSettled: () => void,
  ) {
    this.config = config;
    this.terms = terms;
    this.inputSlice = input;
    this.outputSlice = output;
    this.own = own;
    this.#onSettled = onSettled;
  }

  /** Bytes that were changed halfway are lost, unless they can be read once more. */
  get idempotent(): boolean {
    return this.config.kind !== 'in-place' || this.file >= 0;
  }

  get input(): SlotRef {
    return this.inputSlice.ref;
  }

  get output(): SlotRef | -1 {
    return this.outputSlice?.ref ?? -1;
  }

  get room(): number {
    return this.outputSlice?.byteLength ?? 0;
  }

  /** The output's bytes, once settled. */
  get bytes(): Uint8Array {
    if (this.outputSlice) return this.outputSlice.bytes.subarray(0, this.size);
    const start = this.offset + this.lead;
    return this.inputSlice.bytes.subarray(start, start + this.length);
  }

  done(outcome: Outcome): void {
    this.size = outcome.kind === IN_PLACE ? this.length : outcome.size;
    this.value = this.config.kind === 'value' ? valueOf(outcome) : outcome.value;
    this.inputEnded = outcome.kind === FILE_ENDED;
    this.#settle();
  }

  failed(error: unknown): void {
    this.error = error;
    this.#settle();
  }

  /** Gives the slices back. Only when no thread reads or writes them any more. */
  release(): void {
    this.own.input?.release();
    this.own.output?.release();
  }

  #settle(): void {
    this.settled = true;
    this.#onSettled();
  }
}

/** The value that the op returned. */
export function valueOf({ kind, value, payload }: Outcome): unknown {
  return kind === NUMBER ? value : payload;
}
