/** What an action throws, for tests of errors. */
import { MillraceError } from '@millrace/core';

/** The MillraceError that `action` throws; any other outcome fails the test. */
export function thrownBy(action: () => unknown): MillraceError {
  try {
    action();
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown');
}

export function codeOf(action: () => unknown): string {
  return thrownBy(action).code;
}
