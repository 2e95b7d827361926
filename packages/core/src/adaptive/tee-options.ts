/** What may be chosen of a tee. */
import { MillraceError } from '../errors.js';
import type { Complete } from './config.js';

/** What comes of a branch that is slow or fails; `ChunkedTeeReader` has the table. */
export type TeePolicy = 'block' | 'drop-branch' | 'error';

export interface TeeOptions {
  /** Bytes of a chunk. */
  readonly chunkSize: number;
  /** @defaultValue 'block' */
  readonly policy?: TeePolicy | undefined;
  /** How many chunks the branch may be behind. An integer, 1 or more. @defaultValue 4 */
  readonly maxLagChunks?: number | undefined;
}

export type CheckedTee = Complete<TeeOptions>;

const POLICIES: readonly TeePolicy[] = ['block', 'drop-branch', 'error'];

/** @throws MillraceError `ERR_INVALID_ARG` */
export function checkedTee(options: TeeOptions): CheckedTee {
  const { chunkSize, policy = 'block', maxLagChunks = 4 } = options;
  if (!POLICIES.includes(policy)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot tee by the policy "${String(policy)}": it is one of ${POLICIES.join(', ')}`,
    );
  }
  if (!Number.isInteger(maxLagChunks) || maxLagChunks < 1) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot tee with "maxLagChunks" of ${String(maxLagChunks)} as it must be an integer, 1 or more`,
    );
  }
  return { chunkSize, policy, maxLagChunks };
}
