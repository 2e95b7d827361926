/** The types of ops.mjs. */
import type { Op } from '@millrace/workers';

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

export const sum: Op<void, number>;
export const give: Op<unknown, unknown>;
export const nothing: Op<void, undefined>;
export const head: Op<{ count: number }, Uint8Array>;
export const view: Op<{ count: number }, Uint8Array>;
export const describe: Op<unknown, Description>;
export const echo: Op<unknown, { params: unknown; first: number }>;
export const hold: Op<Gated, number>;
export const holdAsync: Op<Gated, number>;
export const later: Op<{ turns: number }, number>;
export const invert: Op<void, void>;
export const invertLater: Op<void, void>;
export const holdInPlace: Op<Gated, void>;
export const double: Op<void, Uint8Array>;
export const doubleLater: Op<void, Uint8Array>;
export const claim: Op<{ written: unknown }, Uint8Array>;
export const copy: Op<Gated, Uint8Array>;
export const uneven: Op<void, Uint8Array>;
export const framed: Op<{ head: string }, Uint8Array>;
export const fail: Op<{ how: Thrown }, never>;
export const failLater: Op<{ how: Thrown }, never>;
export const failInPlace: Op<{ how: Thrown }, void>;
export const failAt: Op<{ byte: number }, Uint8Array>;
export const uncloneable: Op<void, unknown>;
export const exit: Op<Gated & { times: number; code: number }, number>;
export const exitChunk: Op<Gated & { times: number }, Uint8Array>;
export const stray: Op<Gated & { how: 'timer' | 'rejection' }, never>;
