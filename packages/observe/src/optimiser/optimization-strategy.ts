/**
 * A strategy looks at one kind of setting.
 */
import type { BufferManager } from '@millrace/core';
import type { Evidence } from './evidence.js';
import type { OptimizationResult } from './optimization-result.js';

/** Can be written by users: for settings, or with an aim, of their own. */
export interface OptimizationStrategy {
  readonly name: string;
  /** What should be changed; `undefined` when all is well. It changes nothing. */
  analyze(manager: BufferManager, evidence: Evidence): Promise<OptimizationResult | undefined>;
  /** Makes the changes. @throws what `configure` does, and all is as it was */
  apply(manager: BufferManager, result: OptimizationResult): void;
  /** Whether the changes hold: what does not is told, each a sentence. */
  validate(manager: BufferManager, result: OptimizationResult): readonly string[];
}
