/**
 * What a strategy comes to: which settings to change, what that would gain, what may go wrong, and how sure that is.
 */
import type { PerformanceGain } from '../simulator/performance-evaluator.js';

/**
 * - `low`: easily undone, and nobody notices
 * - `medium`: a stock has to be made anew, or may take a fifth of the memory
 * - `high`: users get memory of another kind, or a stock may take half of the memory
 * - `critical`: a stock may take more than that
 */
export type RiskLevel = 'low' | 'medium' | 'high' | 'critical';

/** Ascending. */
export const RISK_LEVELS: readonly RiskLevel[] = ['low', 'medium', 'high', 'critical'];

export interface ConfigChange {
  /** A setting of `BufferManagerConfig`, with dots: `pools.small.maxSize`. */
  readonly parameter: string;
  readonly oldValue: number | string | boolean;
  readonly newValue: number | string | boolean;
  /** What it does, in words. */
  readonly impact: string;
  readonly risk: RiskLevel;
}

export interface ValidationResult {
  /** Whether there are no {@link issues}. */
  readonly valid: boolean;
  /**
   * From 0 to 1: evidence × consistency × fidelity.
   *
   * - evidence: gets / (gets + 50)
   * - consistency: (parts of the trace that gain + 1) / (parts + 2), which is Laplace's rule of succession, over ten parts; what comes before them
   *   only warms the pools
   * - fidelity: 1 − how far the hit rate that was measured is from the one that is simulated for the same settings and time
   */
  readonly confidence: number;
  /** What speaks against it, each a sentence. */
  readonly issues: readonly string[];
  /** What should be known of it. */
  readonly warnings: readonly string[];
  /** `gets`, `parts`, `partsBetter`; and `hitRate`, `meanMemory`, `peakMemory`, `meanLatencyMs`, each with `Before` and `After`. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface OptimizationResult {
  readonly strategyName: string;
  /** Of the changed settings over the present ones, on the recorded trace. */
  readonly expectedImprovement: PerformanceGain;
  readonly changes: readonly ConfigChange[];
  /** What the changes of more than low risk may do, each a sentence. */
  readonly risks: readonly string[];
  readonly validation: ValidationResult;
}
