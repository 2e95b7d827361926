/** The types of ops.mjs. */
import type { InPlaceOp, TransformOp, ValueOp } from '@millrace/workers';

export interface Gated {
  readonly gate: Int32Array;
}

interface Description {
  readonly length: number;
  readonly shared: boolean;
  readonly params: unknown;
  readonly output: number;
  readonly lead: number;
  readonly last: boolean;
}

export type Thrown =
  | 'error'
  | 'coded'
  | 'string'
  | 'undefined'
  | 'uncloneable cause'
  | 'uncloneable code'
  | 'symbol'
  | 'bare object';

export const sum: ValueOp<void, number>;
export const give: ValueOp<unknown, unknown>;
export const nothing: ValueOp<void, undefined>;
export const head: ValueOp<{ count: number }, Uint8Array>;
export const view: ValueOp<{ count: number }, Uint8Array>;
export const describe: ValueOp<unknown, Description>;
export const echo: ValueOp<unknown, { params: unknown; first: number }>;
export const hold: ValueOp<Gated, number>;
export const holdAsync: ValueOp<Gated, number>;
export const holdAgain: ValueOp<
  Gated & { readonly meet: Int32Array; readonly doze: Int32Array },
  number
>;
export const later: ValueOp<{ turns: number }, number>;
export const invert: InPlaceOp;
export const invertLater: InPlaceOp;
export const holdInPlace: InPlaceOp<Gated>;
export const invertChunks: InPlaceOp<Gated & { first?: number }>;
export const invertChunksLater: InPlaceOp;
export const joined: TransformOp;
export const joinedWide: TransformOp;
export const double: TransformOp;
export const doubleLater: TransformOp;
export const claim: TransformOp<{ written: unknown }>;
export const copy: TransformOp<Gated>;
export const copySome: TransformOp<Gated>;
export const uneven: TransformOp;
export const framed: TransformOp<{ head: string }>;
export const fail: ValueOp<{ how: Thrown }, never>;
export const failLater: ValueOp<{ how: Thrown }, never>;
export const failInPlace: InPlaceOp<{ how: Thrown }>;
export const failAt: TransformOp<{ byte: number }>;
export const uncloneable: ValueOp<void, unknown>;
export const exit: ValueOp<Gated & { times: number; code: number }, number>;
export const countExit: ValueOp<Gated, undefined>;
export const exitChunk: TransformOp<Gated & { times: number }>;
export const exitInPlaceChunk: InPlaceOp<Gated & { times: number }>;
export const stray: ValueOp<Gated & { how: 'timer' | 'rejection' }, never>;
