/** Errors of what is read and written, as callers see them: a stable code, and the original as `cause`. */
import { MillraceError } from '../errors.js';

/** `ERR_READ`, unless it is ours already. */
export function readFailure(cause: unknown): MillraceError {
  return failure('ERR_READ', 'Cannot read the input', cause);
}

/** `ERR_WRITE`, unless it is ours already. */
export function writeFailure(cause: unknown): MillraceError {
  return failure('ERR_WRITE', 'Cannot write the output', cause);
}

function failure(code: 'ERR_READ' | 'ERR_WRITE', action: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(code, `${action}: ${reason}`, { cause });
}
