/**
 * Relief: gives idle memory back, the more the shorter memory is.
 *
 *   normal      what has been idle for its lifetime, or is too old
 *   elevated    one stage more each time: magazines, then all idle slabs, then idle arenas
 *   critical    all of these, and the garbage collector is called: what was private and is done with goes as well
 *
 * It goes in steps shorter than a millisecond, since the thread that does it has other work: a slab of small
 * slots has a thousand words to be read.
 */
import { callCollector } from '../memory/collector.js';
import type { BufferPools } from './buffer-pools.js';
import type { ShrinkOptions } from './pool-options.js';
import type { MemorySettings } from './memory-settings.js';
import type { MemoryPressure } from './pressure.js';

const STEP_MS = 0.5;
const ALL_STAGES = 3;
/** Classes of 4, 16 and 32 KiB. */
export const SMALL_CLASSES = 3;
/** Idle slabs are looked for so many times in their lifetime: it takes reading every slot of theirs. */
const LOOKS_IN_A_LIFETIME = 4;
/** And as often as this where they live for longer: the pools may have ages of their own. */
const LONGEST_REST_MS = 10_000;
/** While pressure is critical the collector is called at one relief in so many: it has to have time. */
const CALL_EVERY = 8;

/** What was given back. */
export interface Relief {
  /** Slabs of 4 MiB that are open to any size class again. */
  slabs: number;
  /** Arenas whose pages have gone back. */
  arenas: number;
}

/** What a step of relief gave back. */
export interface ReliefStep extends Relief {
  /** Whether its time was up before all was looked at: take the next one soon. */
  more: boolean;
}

const NOTHING: ReliefStep = { slabs: 0, arenas: 0, more: false };

export class Reliever {
  /** All that was given back. */
  readonly total: Relief = { slabs: 0, arenas: 0 };
  readonly #pools: BufferPools;
  readonly #settings: MemorySettings;
  /** How many stages are due. */
  #stages = 0;
  /** What the last step did not come to the end of. */
  #unfinished: 'slabs' | 'arenas' | undefined;
  /** At how many more steps idle slabs need not be looked for. */
  #restful = 0;
  /** Reliefs since pressure became critical. */
  #critical = 0;

  constructor(pools: BufferPools, settings: MemorySettings) {
    this.#pools = pools;
    this.#settings = settings;
  }

  /** Memory is in use. */
  relieve(pressure: MemoryPressure): ReliefStep {
    if (pressure !== 'critical') this.#critical = 0;
    else if (!this.#unfinished && this.#critical++ % CALL_EVERY === 0) callCollector();
    if (pressure === 'normal') return this.#tidy();
    if (pressure === 'critical') this.#stages = ALL_STAGES;
    else if (!this.#unfinished) this.#stages = Math.min(ALL_STAGES, this.#stages + 1);
    this.#pools.flush();
    return this.#stages > 1 ? this.#spare({ shrinkThreshold: 0 }, this.#stages > 2) : NOTHING;
  }

  /** Memory is not in use any more: what is idle goes back, unless it lives for ever. */
  rest(pressure: MemoryPressure): ReliefStep {
    this.#pools.flush();
    if (pressure !== 'normal') return this.#spare({ shrinkThreshold: 0 }, true);
    const idleForMs = this.#settings.bufferLifetimeMs === Infinity ? Infinity : 0;
    return this.#spare({ ...this.#terms(), idleForMs }, true);
  }

  #tidy(): ReliefStep {
    this.#stages = 0;
    if (!this.#unfinished && --this.#restful >= 0) return NOTHING;
    const { bufferLifetimeMs, maxBufferAgeMs = Infinity, sampleEveryMs } = this.#settings;
    const lifetimeMs = Math.min(bufferLifetimeMs, maxBufferAgeMs);
    const restMs = Math.min(lifetimeMs / LOOKS_IN_A_LIFETIME, LONGEST_REST_MS);
    this.#restful = Math.floor(restMs / sampleEveryMs) - 1;
    return this.#spare({ ...this.#terms(), idleForMs: bufferLifetimeMs }, true);
  }

  /** What holds for every shrink at normal pressure. */
  #terms(): ShrinkOptions {
    const { maxBufferAgeMs, allocationStrategy } = this.#settings;
    return {
      ...(maxBufferAgeMs === undefined ? {} : { maxAgeMs: maxBufferAgeMs }),
      ...(allocationStrategy === 'hybrid' ? { keptClasses: SMALL_CLASSES } : {}),
    };
  }

  /** Slabs, and when all of these have been looked at, arenas. */
  #spare(terms: ShrinkOptions, withArenas: boolean): ReliefStep {
    const step = { ...NOTHING };
    if (this.#unfinished !== 'arenas') {
      const { slabs, more } = this.#pools.shrink({ ...terms, forMs: STEP_MS });
      step.slabs = slabs;
      this.#unfinished = more ? 'slabs' : undefined;
    }
    if (withArenas && this.#unfinished !== 'slabs') {
      const { idleForMs = 0 } = terms;
      const { arenas, more } = this.#pools.dropArenas({ idleForMs, forMs: STEP_MS });
      step.arenas = arenas;
      this.#unfinished = more ? 'arenas' : undefined;
    }
    step.more = this.#unfinished !== undefined;
    this.total.slabs += step.slabs;
    this.total.arenas += step.arenas;
    return step;
  }
}
