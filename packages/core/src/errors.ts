/**
 * The one error class of millrace and the codes that callers may rely on.
 *
 * A message states the action and the value that was wrong. A code never changes its meaning.
 */

/** Stable reasons for a failure. */
export type MillraceErrorCode =
  /** The flow was ended by its `AbortSignal`; `cause` holds the signal's reason. */
  | 'ERR_ABORTED'
  /** Shared memory could not be had, or not as much as was asked for. */
  | 'ERR_ARENA_UNAVAILABLE'
  /** An idle arena was dropped and renewed, and this thread has not been told yet; try again. */
  | 'ERR_ARENA_UNKNOWN'
  /** A handle that is not one of ours, or comes from another version. */
  | 'ERR_BAD_HANDLE'
  /** The branch of a tee is further behind than it may be. */
  | 'ERR_BRANCH_LAGGING'
  /** The calling thread may not block, as a browser's main thread; use the async form. */
  | 'ERR_CANNOT_BLOCK'
  /** What was asked has been closed: a mapped range, a buffer manager. */
  | 'ERR_CLOSED'
  /** The caller waits for what it holds itself: it would wait for ever. */
  | 'ERR_DEADLOCK'
  /** An argument or a setting is of the wrong type or out of range. */
  | 'ERR_INVALID_ARG'
  /** The input is not in the format that the operation reads. */
  | 'ERR_INPUT_FORMAT'
  /** The input changed while it was read. */
  | 'ERR_INPUT_CHANGED'
  /** The WebAssembly module is none that can work on slices; the message says how to build one. */
  | 'ERR_KERNEL'
  /** The mill is closing or closed. */
  | 'ERR_MILL_CLOSED'
  /** Too many worker threads died in a row, so no more are started; `cause` is what ended the last of them. */
  | 'ERR_MILL_UNHEALTHY'
  /** The calling thread is no worker of a mill. */
  | 'ERR_NO_MILL'
  /** The lock or permit that was to be given back is not held by the caller. */
  | 'ERR_NOT_HELD'
  /** The op's module could not be loaded, or has no such export. */
  | 'ERR_OP_LOAD'
  /** The op's `run` threw; `cause` holds what it threw. */
  | 'ERR_OP_FAILED'
  /** What the op gave cannot be taken: more than its output holds, what cannot be cloned, of the wrong kind. */
  | 'ERR_OP_OUTPUT'
  /** The op's `setup` threw on a worker thread; `cause` holds what it threw. */
  | 'ERR_OP_SETUP'
  /** The process may not take so much memory, or the machine has not that much; the message names the setting. */
  | 'ERR_OUT_OF_MEMORY'
  /** The op's params cannot be cloned to another thread. */
  | 'ERR_PARAMS_NOT_CLONEABLE'
  /** No slot was free, and the pool may not grow further. */
  | 'ERR_POOL_EXHAUSTED'
  /** As many tasks are in flight as there may be; wait until there is room. */
  | 'ERR_QUEUE_FULL'
  /** The input could not be read; `cause` holds the system's or the stream's error. */
  | 'ERR_READ'
  /** The remote object has been let go. */
  | 'ERR_REMOTE_RELEASED'
  /** The other side of the ring has ended it. */
  | 'ERR_RING_CLOSED'
  /** A size that is not a positive integer, or is above the largest size class. */
  | 'ERR_SIZE'
  /** A copy that had to have an exact size found the input shorter or longer; what was written is not all, or not it. */
  | 'ERR_SIZE_MISMATCH'
  /** The slice is lent for the time of a call: only its lender can end the lease or give it away. */
  | 'ERR_SLICE_BORROWED'
  /** The slice was already released, or belongs to an earlier lease of its slot. */
  | 'ERR_SLICE_STALE'
  /** The slice belongs to another pool, or another thread's. */
  | 'ERR_SLICE_FOREIGN'
  /** A watched slice was written to after its release. */
  | 'ERR_SLICE_LATE_WRITE'
  /** A watched slice was garbage-collected without a release. */
  | 'ERR_SLICE_LEAKED'
  /** A watched slice was written to before its beginning or behind its end. */
  | 'ERR_SLICE_OVERRUN'
  /** The target of a flow exists and may not be replaced. */
  | 'ERR_TARGET_EXISTS'
  /** What was waited for did not come in time. */
  | 'ERR_TIMEOUT'
  /** Every thread id is taken. */
  | 'ERR_TOO_MANY_THREADS'
  /** Every place to wait at is taken. */
  | 'ERR_TOO_MANY_WAITERS'
  /** The worker thread died and the task could not be run again. */
  | 'ERR_WORKER_DIED'
  /** The output could not be written; `cause` holds the system's or the stream's error. */
  | 'ERR_WRITE';

/** Every error that millrace itself throws or rejects with. */
export class MillraceError extends Error {
  readonly code: MillraceErrorCode;

  constructor(code: MillraceErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MillraceError';
    this.code = code;
  }
}
