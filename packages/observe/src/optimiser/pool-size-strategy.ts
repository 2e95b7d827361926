/**
 * Pool sizes: how many buffers of each class are kept, made beforehand, and made at a time.
 *
 * Candidates for the stock are the levels of use that are not exceeded in 90 %, 99 % and all of the time. All begin with 99 %;
 * then each class alone tries the others, and last come growth and what is made beforehand. What scores best in the simulation stays.
 * Classes that nobody uses are not stocked beforehand.
 */
import {
  BUFFER_CLASSES,
  type BufferClass,
  type BufferManager,
  type BufferManagerConfig,
  type PoolConfig,
} from '@millrace/core';
import type { LevelTimes } from '../analyser/level-times.js';
import { configOf, unmet } from './config-change.js';
import { levelsOf } from './demand.js';
import type { Evidence, Trial } from './evidence.js';
import type { OptimizationResult } from './optimization-result.js';
import type { OptimizationStrategy } from './optimization-strategy.js';

const USUAL = 0.99;
const SHARES = [1, 0.9];
const MEDIAN = 0.5;
/** Gains that are smaller are not worth it. */
const LEAST_GAIN = 0.02;

type Pools = Partial<Record<BufferClass, PoolConfig>>;

export class PoolSizeStrategy implements OptimizationStrategy {
  readonly name = 'pool-size';

  async analyze(_: BufferManager, evidence: Evidence): Promise<OptimizationResult | undefined> {
    const { settings, trace } = evidence;
    const levels = levelsOf(trace, settings);
    if (levels.size === 0) return undefined;
    const idle = BUFFER_CLASSES.filter(
      (of) => !levels.has(of) && settings.pools[of].initialSize > 0,
    );
    const unused: Pools = Object.fromEntries(idle.map((of) => [of, { initialSize: 0 }]));
    let best = await evidence.try({ pools: { ...unused, ...poolsFor(levels, USUAL) } });
    const offer = async (pools: Pools): Promise<void> => {
      const trial = await evidence.try(merged(best.change, pools));
      if (trial.gain.overallScore > best.gain.overallScore) best = trial;
    };
    for (const [bufferClass, level] of levels) {
      for (const share of SHARES) {
        await offer({ [bufferClass]: { maxSize: sizeAt(level, share), initialSize: 0 } });
      }
    }
    await offer(all(levels, () => ({ growthFactor: 1 })));
    await offer(
      all(levels, (level, bufferClass) => {
        const { maxSize = 0 } = best.change.pools?.[bufferClass] ?? {};
        return { initialSize: Math.min(maxSize, sizeAt(level, MEDIAN)) };
      }),
    );
    return worthIt(best) ? evidence.result(this.name, best) : undefined;
  }

  apply(manager: BufferManager, { changes }: OptimizationResult): void {
    manager.configure(configOf(changes));
  }

  validate(manager: BufferManager, { changes }: OptimizationResult): readonly string[] {
    return unmet(manager.settings, changes);
  }
}

/** A stock of what is in use in all but the rest of the time. */
export function poolsFor(levels: ReadonlyMap<BufferClass, LevelTimes>, share: number): Pools {
  return all(levels, (level) => ({ maxSize: sizeAt(level, share), initialSize: 0 }));
}

export function worthIt({ gain }: Trial): boolean {
  return gain.overallScore >= LEAST_GAIN;
}

function sizeAt(level: LevelTimes, share: number): number {
  return Math.max(1, level.percentile(share));
}

function all(
  levels: ReadonlyMap<BufferClass, LevelTimes>,
  poolOf: (level: LevelTimes, bufferClass: BufferClass) => PoolConfig,
): Pools {
  return Object.fromEntries(
    [...levels].map(([bufferClass, level]) => [bufferClass, poolOf(level, bufferClass)]),
  );
}

function merged(change: BufferManagerConfig, pools: Pools): BufferManagerConfig {
  const names = new Set([...Object.keys(change.pools ?? {}), ...Object.keys(pools)]);
  const both = [...names].map((name) => {
    const bufferClass = name as BufferClass;
    return [bufferClass, { ...change.pools?.[bufferClass], ...pools[bufferClass] }] as const;
  });
  return { ...change, pools: Object.fromEntries(both) };
}
