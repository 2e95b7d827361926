/**
 * CRC-32, as in gzip, zip and PNG: the chunks' sums are taken by all threads, and combined.
 */
import { crc32 as crc32Of } from 'node:zlib';
import { crc32Combine } from './crc32-combine.js';
import { defineOp } from './define-op.js';

const CHUNK = 256 * 1024;

/** Gives the CRC-32 of the bytes, from 0 to 2^32 − 1; that of none is 0. */
export const crc32 = defineOp(import.meta.url, 'crc32', {
  split: { size: CHUNK },
  run: (bytes) => crc32Of(bytes),
  merge: (left, right, _params, rightBytes) => crc32Combine(left, right, rightBytes),
});
