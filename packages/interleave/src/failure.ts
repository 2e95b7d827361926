/**
 * What an exploration can find wrong.
 */

/** Stable reasons for a failed exploration. */
export type FailureCode =
  /** A thread or a sweeper threw; `cause` holds what it threw. */
  | 'ERR_THREAD_THREW'
  /** `check` threw; `cause` holds what it threw. */
  | 'ERR_CHECK_FAILED'
  /** `invariant` threw; `cause` holds what it threw. */
  | 'ERR_INVARIANT_BROKEN'
  /** Two threads accessed a word, one of them plainly and one of them writing, with nothing to order them. */
  | 'ERR_DATA_RACE'
  /** Every thread that has not ended waits, and nobody is left to wake it. */
  | 'ERR_DEADLOCK'
  /** Threads go round in circles, and nobody is left to end it. */
  | 'ERR_LIVELOCK'
  /** A thread made more accesses than `most.steps` allows. */
  | 'ERR_STEP_LIMIT'
  /** A thread did something else when it was run again: it depends on more than the words. */
  | 'ERR_DIVERGED';

export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly cause?: unknown;
}
