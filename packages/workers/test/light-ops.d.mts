import type { ValueOp } from '@millrace/workers';

export const laden: ValueOp<void, number>;
