/** How much room a transform's output needs. */
import { MillraceError } from '@millrace/core';
import type { Configured } from './configurations.js';
import { show } from './definition-check.js';

/**
 * The bytes to lease for the output of `inputBytes` bytes of input: at least 1, since no slice has none.
 *
 * @throws MillraceError `ERR_OP_OUTPUT` when what the op says is no number of bytes, or it throws
 */
export function outputRoom(
  { name, url, definition, params }: Configured,
  inputBytes: number,
): number {
  const what = `Cannot run "${name}" of ${url} as its "outputBound" for ${inputBytes} bytes`;
  let bound: number;
  try {
    bound = definition.outputBound!(inputBytes, params);
  } catch (cause) {
    throw new MillraceError('ERR_OP_OUTPUT', `${what} threw: ${String(cause)}`, { cause });
  }
  if (!Number.isSafeInteger(bound) || bound < 0) {
    throw new MillraceError(
      'ERR_OP_OUTPUT',
      `${what} must be an integer of 0 or more: got ${show(bound)}`,
    );
  }
  return Math.max(1, bound);
}
