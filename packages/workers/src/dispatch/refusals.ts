/** Why a task is not taken in. */
import { MillraceError } from '@millrace/core';
import type { Task } from './task.js';

export function millClosed(): MillraceError {
  return new MillraceError('ERR_MILL_CLOSED', 'Cannot run a task as the mill is closed');
}

export function queueFull(maxQueue: number): MillraceError {
  return new MillraceError(
    'ERR_QUEUE_FULL',
    `Cannot run a task as ${maxQueue} are in flight, which is "maxQueue": await mill.ready()`,
  );
}

/** Fails a task that is not taken in. A function of its own, as its closure would cost each task that is. */
export function refuse(task: Task, error: MillraceError): void {
  queueMicrotask(() => task.failed(error));
}
