/** What @millrace/interleave makes public. */
export type { Case, Limits, Mode, Operation, ThreadBody, ThreadContext, World } from './case.js';
export { InterleavingError, explore, replay } from './explore.js';
export type { FailureCode } from './failure.js';
export { assertLinearizable, linearizable, type Model } from './linearizable.js';
export { bytesOf } from './machine/words.js';
export { summary, type Report } from './report/report.js';
