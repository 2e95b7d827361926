/** A SHA-256 that grows bit by bit: `upload-server.ts` has one live in a worker for each upload. */
import { createHash } from 'node:crypto';
import type { Slice } from 'millrace';

export class Sha256 {
  readonly #hash = createHash('sha256');

  /** Read where it lies, in shared memory. */
  update(slice: Slice): void {
    this.#hash.update(slice.bytes);
  }

  /** In hexadecimal digits. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
