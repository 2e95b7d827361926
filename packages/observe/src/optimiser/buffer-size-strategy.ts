/**
 * Buffer sizes: classes that fit what is asked for.
 *
 * Slices come in eight sizes, so there are 70 ways to choose four for the classes. For each the memory in use is counted over the trace. What is larger than
 * the largest of the four is made anew each time: so for each largest the way that needs least is simulated, with a stock of each
 * class as large as what is in use in 99 % of the time.
 */
import {
  BUFFER_CLASSES,
  SIZE_CLASSES,
  bufferClassOf,
  type BufferManager,
  type BufferSizes,
} from '@millrace/core';
import { configOf, unmet } from './config-change.js';
import { heldBySlot, levelsOf, stockedUpTo } from './demand.js';
import type { Evidence, Trial } from './evidence.js';
import type { OptimizationResult } from './optimization-result.js';
import type { OptimizationStrategy } from './optimization-strategy.js';
import { poolsFor, worthIt } from './pool-size-strategy.js';

const USUAL = 0.99;

export class BufferSizeStrategy implements OptimizationStrategy {
  readonly name = 'buffer-size';

  async analyze(_: BufferManager, evidence: Evidence): Promise<OptimizationResult | undefined> {
    const { settings, trace } = evidence;
    const upTo = stockedUpTo(settings);
    if (upTo === 0) return undefined;
    const { poolThreshold, allocationStrategy } = settings;
    const stocked = allocationStrategy === 'hybrid' ? poolThreshold : Infinity;
    const held = heldBySlot(trace, stocked);
    const byHuge = new Map<number, { sizes: BufferSizes; memory: number }>();
    for (const sizes of choices(evidence.memoryBytes)) {
      const memory = memoryIn(sizes, held);
      if (memory < (byHuge.get(sizes.huge)?.memory ?? Infinity)) {
        byHuge.set(sizes.huge, { sizes, memory });
      }
    }
    let best: Trial | undefined;
    for (const { sizes } of byHuge.values()) {
      if (BUFFER_CLASSES.every((of) => sizes[of] === settings.bufferSizes[of])) continue;
      const levels = levelsOf(trace, { ...settings, bufferSizes: sizes });
      const trial = await evidence.try({ bufferSizes: sizes, pools: poolsFor(levels, USUAL) });
      if (best === undefined || trial.gain.overallScore > best.gain.overallScore) best = trial;
    }
    return best !== undefined && worthIt(best) ? evidence.result(this.name, best) : undefined;
  }

  apply(manager: BufferManager, { changes }: OptimizationResult): void {
    // Where it was never said, it would move with the class `large`.
    const { poolThreshold } = manager.settings;
    manager.configure({ poolThreshold, ...configOf(changes) });
  }

  validate(manager: BufferManager, { changes }: OptimizationResult): readonly string[] {
    return unmet(manager.settings, changes);
  }
}

/** Every way to choose four of the slice sizes, the largest of which the pools can lease. */
function* choices(memoryBytes: number): Generator<BufferSizes> {
  const slots = SIZE_CLASSES.filter((size) => size <= memoryBytes);
  for (const [a, small] of slots.entries()) {
    for (const [b, medium] of slots.entries()) {
      if (b <= a) continue;
      for (const [c, large] of slots.entries()) {
        if (c <= b) continue;
        for (const huge of slots.slice(c + 1)) yield { small, medium, large, huge };
      }
    }
  }
}

/** Byte × milliseconds of memory that is in use over the trace. As the sizes are those of slots, no more than those need be known of what is held. */
function memoryIn(sizes: BufferSizes, held: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const [slot, ms] of held) {
    sum += ms * (slot > sizes.huge ? slot : sizes[bufferClassOf(slot, sizes)]);
  }
  return sum;
}
