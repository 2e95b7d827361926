/** One chunk on its way: its two slices, its task, and where it stands. */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import { IN_NO_CELL, type Outcome, type Task, type Terms, type Trouble } from '../dispatch/task.js';
import { FILE_ENDED } from '../dispatch/layout.js';
import type { Configured } from '../ops/configurations.js';

export class Chunk implements Task {
  readonly config: Configured;
  readonly idempotent = true;
  readonly inputSlice: Slice;
  readonly outputSlice: Slice;
  readonly offset = 0;
  lead = 0;
  length = 0;
  file = -1;
  position = 0;
  target = -1;
  last = false;
  readonly terms: Terms;
  cell = IN_NO_CELL;
  trouble: Trouble | undefined = undefined;
  /** Bytes of output, once settled. */
  size = 0;
  /** The number that the op returned for `merge`. */
  value = 0;
  settled = false;
  error: unknown;
  /** The input file was shorter than it had been. */
  inputEnded = false;
  readonly #onSettled: () => void;

  constructor(
    config: Configured,
    terms: Terms,
    input: Slice,
    output: Slice,
    onSettled: () => void,
  ) {
    this.config = config;
    this.terms = terms;
    this.inputSlice = input;
    this.outputSlice = output;
    this.#onSettled = onSettled;
  }

  get input(): SlotRef {
    return this.inputSlice.ref;
  }

  get output(): SlotRef {
    return this.outputSlice.ref;
  }

  get room(): number {
    return this.outputSlice.byteLength;
  }

  /** The output's bytes, once settled. */
  get bytes(): Uint8Array {
    return this.outputSlice.bytes.subarray(0, this.size);
  }

  done(outcome: Outcome): void {
    this.size = outcome.size;
    this.value = outcome.value;
    this.inputEnded = outcome.kind === FILE_ENDED;
    this.#settle();
  }

  failed(error: unknown): void {
    this.error = error;
    this.#settle();
  }

  /** Gives the slices back. Only when no thread reads or writes them any more. */
  release(): void {
    this.inputSlice.release();
    this.outputSlice.release();
  }

  #settle(): void {
    this.settled = true;
    this.#onSettled();
  }
}
