/** Errors of the system and of streams, as callers see them: a stable code, and the original as `cause`. */
import { readFailure, writeFailure } from '@millrace/core/internal';

/** What `promise` rejects with, unless it is ours already, becomes `ERR_READ`. */
export async function reading<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw readFailure(error);
  }
}

/** What `promise` rejects with, unless it is ours already, becomes `ERR_WRITE`. */
export async function writing<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    throw writeFailure(error);
  }
}
