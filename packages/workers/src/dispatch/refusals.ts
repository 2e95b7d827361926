/** Why a task is not taken in. */
import { MillraceError } from '@millrace/core';

export function millClosed(): MillraceError {
  return new MillraceError('ERR_MILL_CLOSED', 'Cannot run a task as the mill is closed');
}

export function queueFull(maxQueue: number): MillraceError {
  return new MillraceError(
    'ERR_QUEUE_FULL',
    `Cannot run a task as ${maxQueue} are in flight, which is "maxQueue": await mill.ready()`,
  );
}
