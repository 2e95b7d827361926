/** What a promise is rejected with, for tests of errors. */
import { MillraceError } from '@millrace/core';

/** The MillraceError that `promise` is rejected with; any other outcome fails the test. */
export async function rejectionOf(promise: unknown): Promise<MillraceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('Nothing was rejected');
}
