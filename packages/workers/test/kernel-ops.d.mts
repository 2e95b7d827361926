import type { KernelStats, Op } from '@millrace/workers';

interface Named {
  /** The address of the module. */
  kernel: string;
}

export const add: Op<Named & { amount: number }, void>;
export const reverse: Op<Named, Uint8Array>;
export const where: Op<Named, number>;
export const stray: Op<Named, void>;
export const stats: Op<Named, KernelStats>;
