import type { ValueOp } from '@millrace/workers';

export const differences: ValueOp<void, { names: string[] }>;
export const hashed: ValueOp<void, number>;
export const started: ValueOp<void, unknown[]>;
