/**
 * The errors of this room, and the checks of what its structures are handed.
 *
 * Every wait that ends without what it waited for throws: `ERR_TIMEOUT` when its time was up, and
 * `ERR_ABORTED` when its signal fired. The `try…` forms do not wait, and return a falsy value.
 */
import { MillraceError } from '../errors.js';
import { MAX_THREADS } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';

/** What the structures of this room throw. */
export type SyncErrorCode =
  | 'ERR_ABORTED'
  | 'ERR_CANNOT_BLOCK'
  | 'ERR_DEADLOCK'
  | 'ERR_INVALID_ARG'
  | 'ERR_NOT_HELD'
  | 'ERR_TIMEOUT'
  | 'ERR_TOO_MANY_WAITERS';

export function syncError(
  code: SyncErrorCode,
  message: string,
  options?: { cause?: unknown },
): MillraceError {
  return new MillraceError(code, message, options);
}

/** Refuses a structure of `size` words that does not fit at `at`, or a thread that is none. */
export function checkPlacement(
  what: string,
  words: Int32Array,
  at: number,
  size: number,
  thread: ThreadId,
): void {
  if (!Number.isInteger(at) || at < 0 || at + size > words.length) {
    throw syncError(
      'ERR_INVALID_ARG',
      `Cannot place a ${what} as its ${size} words do not fit: at is ${at}, and there are ${words.length} words`,
    );
  }
  checkThread(`use a ${what}`, thread);
}

/** Refuses a number that names no thread: it would be found in somebody else's word. */
export function checkThread(action: string, thread: ThreadId): void {
  if (Number.isInteger(thread) && thread >= 1 && thread < MAX_THREADS) return;
  throw syncError(
    'ERR_INVALID_ARG',
    `Cannot ${action} as the thread id must be from 1 to ${MAX_THREADS - 1}: current value is ${thread}`,
  );
}

/** Refuses a `value` that is not an integer from `least` to `most`. */
export function checkInteger(action: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw syncError(
    'ERR_INVALID_ARG',
    `Cannot ${action} as it must be an integer from ${least} to ${most}: current value is ${value}`,
  );
}
