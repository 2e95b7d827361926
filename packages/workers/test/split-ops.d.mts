/** The types of split-ops.mjs. */
import type { InPlaceOp, TransformOp, ValueOp } from '@millrace/workers';

interface Shared {
  readonly words: Int32Array;
}

export type Happening = Shared & { at: number; what: 'throw' | 'exit' | 'exit once' };

export const trail: ValueOp<{ sign: string }, string>;
export const trailLater: ValueOp<{ sign: string }, string>;
export const trailBytes: TransformOp;
export const add: InPlaceOp<{ amount: number }>;
export const nothing: ValueOp<void, undefined>;
export const meetInPlace: InPlaceOp<Shared>;
export const meetForValue: ValueOp<Shared, number>;
export const happenInPlace: InPlaceOp<Happening>;
export const happenForValue: ValueOp<Happening, number>;
export const badMerge: ValueOp<void, number>;
export const badFrame: TransformOp;
export const gross: ValueOp<void, number>;
export const bound: TransformOp<{ bound: unknown }>;
export const boundInChunks: TransformOp<{ bound: unknown }>;
