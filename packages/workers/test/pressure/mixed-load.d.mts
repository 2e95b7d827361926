/** The types of mixed-load.mjs. */
import type { AdaptiveBufferPool } from '@millrace/core';

export class MixedLoad {
  done: number;
  wrong: number;
  constructor(pool: AdaptiveBufferPool, seed?: number);
  run(count: number, options?: { lanes?: number; each?: (begun: number) => void }): Promise<void>;
}
