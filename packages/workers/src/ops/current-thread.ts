/** The worker thread that code runs on: for functions and objects that know of no context. */
import { MillraceError, type BufferPools, type ThreadId } from '@millrace/core';

export interface CurrentThread {
  /** The thread's id in the mill's memory. */
  readonly id: ThreadId;
  /** The mill's memory: slices that are acquired here can be returned to the caller. */
  readonly buffers: BufferPools;
  /** The handle of the mill's monitor, for `MonitorTap.attach`; `undefined` if it has none. */
  readonly monitor: unknown;
}

let current: CurrentThread | undefined;

/**
 * The mill's thread that the caller runs on.
 *
 * @throws MillraceError `ERR_NO_MILL` on any other thread
 */
export function currentThread(): CurrentThread {
  if (current) return current;
  throw new MillraceError(
    'ERR_NO_MILL',
    'Cannot tell the current thread as it is not a worker thread of a mill',
  );
}

/** For the worker's entry. */
export function enterThread(thread: CurrentThread): void {
  current = thread;
}
