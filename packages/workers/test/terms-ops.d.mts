/** The types of terms-ops.mjs. */
import type { GeneratorOp, InPlaceOp, TransformOp, ValueOp } from '@millrace/workers';
import type { Gated } from './ops.mjs';

interface Numbered {
  readonly log: Int32Array;
  readonly number: number;
}

export type Made =
  | 'map'
  | 'set'
  | 'date'
  | 'regexp'
  | 'bigint'
  | 'floats'
  | 'bytes'
  | 'buffer'
  | 'text'
  | 'cycle'
  | 'error'
  | 'instance'
  | 'null'
  | 'boolean'
  | 'shared'
  | 'sharedView'
  | 'function'
  | 'symbol'
  | 'promiseInside';

export const note: ValueOp<Numbered, undefined>;
export const noteChunks: TransformOp<Numbered>;
export const checks: ValueOp<Gated, undefined>;
export const checksSignal: ValueOp<Gated, undefined>;
export const throwsWhenTold: ValueOp<Gated, never>;
export const listens: ValueOp<Gated, undefined>;
export const checksInPlace: InPlaceOp<Gated>;
export const checksChunks: TransformOp<Gated>;
export const checksRanges: InPlaceOp<Gated>;
export const checksParts: ValueOp<Gated, number>;
export const checksAhead: GeneratorOp<Gated, number>;
export const deaf: ValueOp<Gated, never>;
export const deafAsync: ValueOp<Gated, never>;
export const failsFirst: ValueOp<{ log: Int32Array; times: number }, number>;
export const failsFirstInPlace: InPlaceOp<{ log: Int32Array }>;
export const failsAt: ValueOp<{ log: Int32Array; since: number }, never>;
export const makes: ValueOp<{ what: Made }, unknown>;
export const makesLater: ValueOp<{ what: Made }, unknown>;
export const throwsWith: ValueOp<void, never>;
