/**
 * The settings of a memory manager, checked.
 */
import type { MillraceError } from '../errors.js';
import { invalidSetting } from '../invalid-setting.js';
import { CRITICAL_SHARE, ELEVATED_SHARE } from './pressure.js';

/**
 * When memory is taken from the system: `on-demand` as it is needed; `pre-allocate` all of it beforehand;
 * `hybrid` a slab of 4 MiB for each of the small size classes (4, 16 and 32 KiB), and the rest on demand.
 */
export type AllocationStrategy = 'on-demand' | 'pre-allocate' | 'hybrid';

const STRATEGIES: readonly AllocationStrategy[] = ['on-demand', 'pre-allocate', 'hybrid'];

export interface MemoryManagerConfig {
  /**
   * Bytes lent from the pools from which on pressure is elevated. What probes tell goes by 80 % of the
   * limit that each of them knows.
   *
   * @defaultValue 80 % of the pools' memory
   */
  memoryPressureThreshold?: number;
  /**
   * The same for critical pressure, at least {@link memoryPressureThreshold}. Probes: 95 %.
   *
   * @defaultValue 95 % of the pools' memory, or {@link memoryPressureThreshold} where that is more
   */
  criticalThreshold?: number;
  /**
   * How long an idle slab is kept for its size class, and an idle arena for the pools, before its memory
   * goes back; Infinity: until memory is short.
   *
   * @defaultValue 10 000, and Infinity when all is pre-allocated
   */
  bufferLifetimeMs?: number;
  /**
   * How old a slab may become: it is lent no more then, and goes back when the last of its slices has.
   *
   * @defaultValue `maxAgeMs` of the pools, which is Infinity by default
   */
  maxBufferAgeMs?: number;
  /** @defaultValue 'on-demand' */
  allocationStrategy?: AllocationStrategy;
  /** How often whoever runs the manager should look while there is work: 10 ms to a minute. @defaultValue 250 */
  sampleEveryMs?: number;
}

/** The settings with all defaults; `maxBufferAgeMs` is `undefined` where the pools' own counts. */
export interface MemorySettings {
  readonly memoryPressureThreshold: number;
  readonly criticalThreshold: number;
  readonly bufferLifetimeMs: number;
  readonly maxBufferAgeMs: number | undefined;
  readonly allocationStrategy: AllocationStrategy;
  readonly sampleEveryMs: number;
}

/** @throws MillraceError `ERR_INVALID_ARG` that names the field, its value and the rule */
export function checkedMemory(config: MemoryManagerConfig, memoryBytes: number): MemorySettings {
  const {
    memoryPressureThreshold = Math.floor(memoryBytes * ELEVATED_SHARE),
    allocationStrategy = 'on-demand',
    maxBufferAgeMs,
    sampleEveryMs = 250,
  } = config;
  const {
    criticalThreshold = Math.max(memoryPressureThreshold, Math.floor(memoryBytes * CRITICAL_SHARE)),
    bufferLifetimeMs = allocationStrategy === 'pre-allocate' ? Infinity : 10_000,
  } = config;
  if (!isWithin(memoryPressureThreshold, 1, memoryBytes)) {
    const rule = `an integer from 1 to the ${memoryBytes} bytes of "memory"`;
    throw invalid('memoryPressureThreshold', memoryPressureThreshold, rule);
  }
  if (!isWithin(criticalThreshold, memoryPressureThreshold, memoryBytes)) {
    const rule = `an integer from "memoryPressureThreshold" (${memoryPressureThreshold}) to the ${memoryBytes} bytes of "memory"`;
    throw invalid('criticalThreshold', criticalThreshold, rule);
  }
  if (typeof bufferLifetimeMs !== 'number' || !(bufferLifetimeMs > 0)) {
    throw invalid('bufferLifetimeMs', bufferLifetimeMs, 'a positive number, or Infinity');
  }
  if (maxBufferAgeMs !== undefined && !(typeof maxBufferAgeMs === 'number' && maxBufferAgeMs > 0)) {
    throw invalid('maxBufferAgeMs', maxBufferAgeMs, 'a positive number, or Infinity');
  }
  if (!STRATEGIES.includes(allocationStrategy)) {
    throw invalid('allocationStrategy', allocationStrategy, `one of ${STRATEGIES.join(', ')}`);
  }
  if (typeof sampleEveryMs !== 'number' || !(sampleEveryMs >= 10 && sampleEveryMs <= 60_000)) {
    throw invalid('sampleEveryMs', sampleEveryMs, 'a number from 10 to 60000');
  }
  return {
    memoryPressureThreshold,
    criticalThreshold,
    bufferLifetimeMs,
    maxBufferAgeMs,
    allocationStrategy,
    sampleEveryMs,
  };
}

function isWithin(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function invalid(name: string, value: unknown, rule: string): MillraceError {
  return invalidSetting('manage memory with', name, value, rule);
}
