/** What lives in threads beside tasks: remote objects, as the coordinator sees them. */
import type { ThreadId } from '@millrace/core';

export interface Tenants {
  /** Whether some live in the thread: then it is not asked to leave. */
  livesIn(thread: ThreadId): boolean;
  /** How many have ever come to live: a sign of health. */
  readonly opened: number;
  /** The mill closes: all are to leave, once they have finished what they have begun; or just to know it. */
  moveOut(drain: boolean): Promise<void>;
  /** The thread is dead for certain, and not swept yet; `left` says whether it had left of itself. */
  bury(thread: ThreadId, cause: unknown, left: boolean): void;
}
