import type { Op } from '@millrace/workers';

export const waitForVisits: Op<{ count: number }, number>;
export const breatheUntilCancelled: Op<void, void>;
export const visit: Op<void, number>;
export const visitLater: Op<void, number>;
export const stumble: Op<void, never>;
