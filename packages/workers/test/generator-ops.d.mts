/** The types of generator-ops.mjs. */
import type { GeneratorOp, Slice } from '@millrace/workers';

interface Counted {
  readonly words: Int32Array;
}

export const each: GeneratorOp<void, number>;
export const eachLater: GeneratorOp<void, number>;
export const list: GeneratorOp<{ values: unknown[] }, unknown>;
export const pieces: GeneratorOp<{ size: number }, Uint8Array>;
export const slices: GeneratorOp<{ size: number }, Slice>;
export const count: GeneratorOp<Counted & { sliced?: boolean }, number | Slice>;
export const countLater: GeneratorOp<Counted & { sliced?: boolean }, number | Slice>;
export const after: GeneratorOp<
  Counted & {
    outputs: number;
    what:
      | 'fail'
      | 'yield what cannot be cloned'
      | 'wait for ever'
      | 'loop for ever'
      | 'exit'
      | 'exit once'
      | 'exit after slices';
  },
  number | Slice
>;
export const noGenerator: GeneratorOp<void, number>;
