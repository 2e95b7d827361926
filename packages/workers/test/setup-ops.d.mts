/** The types of setup-ops.mjs. */
import type { TransformOp, ValueOp } from '@millrace/workers';

interface Counted {
  readonly counts: Int32Array;
}

export const prepared: ValueOp<Counted, number>;
export const lookUp: ValueOp<
  { entries: [number, string][] },
  { number: number; found: string | undefined }
>;
export const sizeOf: ValueOp<{ blob: Blob }, number>;
export const doubleBySetup: TransformOp;
export const hesitant: ValueOp<{ failures: number; later: boolean }, number>;
export const untidy: ValueOp<Counted & { later: boolean }, number>;
export const remember: ValueOp<Counted, undefined>;
export const remembered: ValueOp<{ of: string }, string>;
export const warnings: ValueOp<void, string[]>;
export const paramsSeen: ValueOp<{ readonly counted?: number; list?: number[] }, number>;
