import type { InPlaceOp, KernelStats, TransformOp, ValueOp } from '@millrace/workers';

interface Named {
  /** The address of the module. */
  kernel: string;
}

export const add: InPlaceOp<Named & { amount: number }>;
export const reverse: TransformOp<Named>;
export const where: ValueOp<Named, number>;
export const stray: InPlaceOp<Named>;
export const stats: ValueOp<Named, KernelStats>;
