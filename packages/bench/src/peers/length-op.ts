/** The smallest op there is: how long is the input? */
import { defineOp } from '@millrace/workers';

export const length = defineOp(import.meta.url, 'length', {
  run: (bytes: Uint8Array): number => bytes.length,
});
