/** The types of waiting-ops.mjs. */
import type { BufferPoolStrategy } from '@millrace/core';
import type { ValueOp } from '@millrace/workers';
import type { Gated } from '../ops.d.mts';

interface Submission extends Gated {
  readonly bytes: number;
  readonly strategy?: BufferPoolStrategy;
}

export const submit: ValueOp<Submission, (number | string)[]>;
