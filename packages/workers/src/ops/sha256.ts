/**
 * SHA-256. Each block's hash needs that of the block before, so one object is one thread's work; many
 * objects are hashed at once.
 */
import { createHash } from 'node:crypto';
import { defineOp } from './define-op.js';

/** Gives the digest of the bytes: 32 bytes. */
export const sha256 = defineOp(import.meta.url, 'sha256', {
  run: (bytes): Uint8Array => createHash('sha256').update(bytes).digest(),
});
