/** The types of warm-ops.mjs. */
import type { ValueOp } from '@millrace/workers';
import type { Gated } from './ops.mjs';

export const imported: ValueOp<Gated, { threadId: number; agoMs: number }>;
export const notAnOp: number;
