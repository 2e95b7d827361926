import type { Op } from '@millrace/workers';

export const sum: Op<void, number>;
export const where: Op<void, number>;
export const refuse: Op<void, never>;
export const describe: Op<
  { label: string },
  { label: string; sizes: Map<string, number>; big: bigint }
>;
export const sumInParts: Op<{ parts: number }, number>;
export const tree: Op<{ depth: number }, number>;
export const failInside: Op<void, { code: string; message: string; causeCode: string }>;
export const dieOverChildren: Op<void, void>;
export const meet: Op<{ count: number }, number>;
export const meetInside: Op<{ count: number }, number[]>;
export const linger: Op<void, void>;
export const largeInLarge: Op<void, number>;
