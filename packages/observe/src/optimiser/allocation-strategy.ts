/**
 * Allocation: what comes from the stock, and what from private memory.
 *
 * By `hybrid` each buffer size is tried as the bound between the two, and `pooled`. Those that take slices alone may do so for other threads
 * or kernels, so to turn from that is of high risk; `zero-copy` is never turned from.
 */
import type { BufferManager, BufferManagerConfig } from '@millrace/core';
import { configOf, unmet } from './config-change.js';
import type { Evidence, Trial } from './evidence.js';
import type { OptimizationResult } from './optimization-result.js';
import type { OptimizationStrategy } from './optimization-strategy.js';
import { worthIt } from './pool-size-strategy.js';

export class AllocationStrategy implements OptimizationStrategy {
  readonly name = 'allocation';

  async analyze(_: BufferManager, evidence: Evidence): Promise<OptimizationResult | undefined> {
    const { enablePooling, allocationStrategy, poolThreshold, bufferSizes } = evidence.settings;
    if (!enablePooling || allocationStrategy === 'zero-copy') return undefined;
    const thresholds = Object.values(bufferSizes).filter((size) => size !== poolThreshold);
    const changes: BufferManagerConfig[] = thresholds.map((size) => ({
      allocationStrategy: 'hybrid',
      poolThreshold: size,
    }));
    if (allocationStrategy !== 'hybrid') changes.push({ allocationStrategy: 'hybrid' });
    if (allocationStrategy !== 'pooled') changes.push({ allocationStrategy: 'pooled' });
    let best: Trial | undefined;
    for (const change of changes) {
      const trial = await evidence.try(change);
      if (best === undefined || trial.gain.overallScore > best.gain.overallScore) best = trial;
    }
    return best !== undefined && worthIt(best) ? evidence.result(this.name, best) : undefined;
  }

  apply(manager: BufferManager, { changes }: OptimizationResult): void {
    manager.configure(configOf(changes));
  }

  validate(manager: BufferManager, { changes }: OptimizationResult): readonly string[] {
    return unmet(manager.settings, changes);
  }
}
