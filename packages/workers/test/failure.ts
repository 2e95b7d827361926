/** What a promise rejects with, for tests of errors. */
import { MillraceError } from '@millrace/workers';

/** The MillraceError that `promise` rejects with; any other outcome fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<MillraceError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error('The promise was fulfilled');
}

/** The code of the MillraceError that `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await failureOf(promise)).code;
}

/** The code of the system's error behind the one that `promise` rejects with. */
export async function systemCodeOf(promise: Promise<unknown>): Promise<string | undefined> {
  const { code, cause } = await failureOf(promise);
  if (code !== 'ERR_READ' && code !== 'ERR_WRITE') throw new Error(`The code was ${code}`);
  return (cause as NodeJS.ErrnoException).code;
}
