import type { ValueOp } from '@millrace/workers';

export const late: ValueOp<void, string>;
