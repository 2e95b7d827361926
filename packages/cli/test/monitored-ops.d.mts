import type { Op } from 'millrace';

export const use: Op<void, number>;
export const heldHere: Op<void, number>;
export const useUntilEnded: Op<{ words: Int32Array<SharedArrayBuffer> }, never>;
