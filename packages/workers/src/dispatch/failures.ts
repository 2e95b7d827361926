/** The errors that tasks fail with. */
import { MillraceError } from '@millrace/core';
import type { LetterError } from './letters.js';
import type { Task } from './task.js';
import { withTraits } from './thrown.js';

/** What the caller sees of an error in an op: the thrown thing as `cause`, with its code if it had one. */
export function errorOf(task: Task, letter: LetterError): MillraceError {
  const { cause, message, code, traits, causeTraits } = letter;
  if (
    code === 'ERR_OP_LOAD' ||
    code === 'ERR_OP_SETUP' ||
    code === 'ERR_OP_OUTPUT' ||
    code === 'ERR_READ' ||
    code === 'ERR_WRITE'
  ) {
    return new MillraceError(code, message, {
      cause: withTraits((cause as Error).cause, causeTraits),
    });
  }
  return new MillraceError('ERR_OP_FAILED', `Op "${task.config.name}" failed: ${message}`, {
    cause: withTraits(cause, traits),
  });
}

export function tooLong({ config, terms }: Task): MillraceError {
  return new MillraceError(
    'ERR_TIMEOUT',
    `Op "${config.name}" did not end within ${terms.timeoutMs} ms from when it began`,
  );
}

/** @param what the action that was cut short */
export function workerDied(what: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new MillraceError('ERR_WORKER_DIED', `${what} as its worker thread died${reason}`, {
    cause,
  });
}
