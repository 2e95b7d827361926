/** What a mill can be watched by, as far as the mill needs to know. */
import type { BufferPools } from '@millrace/core';

export interface MillMonitor {
  /** Every thread finds it as `currentThread().monitor`: what can be posted to one. */
  readonly handle: unknown;
  /** Is told, before any thread begins, which memory they have in common, and so where to see who of them is gone. */
  follow(pools: BufferPools): void;
}
