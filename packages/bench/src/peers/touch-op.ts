/** An op that touches one byte of its input: what is left of its time is the way there and back. */
import { defineOp } from '@millrace/workers';

export const touch = defineOp(import.meta.url, 'touch', {
  inPlace: true,
  run(bytes) {
    bytes[0]! ^= 1;
  },
});
