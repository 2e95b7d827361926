/** Errors of the system and of streams, as callers see them: a stable code, and the original as `cause`. */
import { MillraceError } from '@millrace/core';

/** What `promise` rejects with, unless it is ours already, becomes `ERR_READ`. */
export async function reading<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw wrapped('ERR_READ', 'Cannot read the input', error);
  }
}

/** What `promise` rejects with, unless it is ours already, becomes `ERR_WRITE`. */
export async function writing<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw wrapped('ERR_WRITE', 'Cannot write the output', error);
  }
}

function wrapped(code: 'ERR_READ' | 'ERR_WRITE', action: string, cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError(code, `${action}: ${reason}`, { cause });
}
