/**
 * The settings of the pools: checked here, and kept in the header of the memory, so that every thread
 * that attaches goes by the same.
 */
import { MillraceError } from '../errors.js';
import { invalidSetting } from '../invalid-setting.js';
import {
  HEADER_GUARD,
  HEADER_SETTINGS,
  HEADER_SLABS,
  MOST_SLABS,
  SLAB_BYTES,
  TICK_MS,
} from '../memory/layout.js';

/** How closely slices are watched, see {@link BufferPoolsOptions.safety}. */
export type SafetyLevel = 'off' | 'sampled' | 'full';

const LEVELS: readonly SafetyLevel[] = ['off', 'sampled', 'full'];
/** Of how many leases one is watched: a power of two, below the range of a counter's low word. */
const WATCH_EVERY = { off: 2 ** 30, sampled: 128, full: 1 };

export interface BufferPoolsOptions {
  /** The most bytes that slices may take together; rounded down to whole slabs of 4 MiB. */
  memory: number;
  /** Room for the caller's own counters, see `BufferPools.counters`. @defaultValue 0 */
  counters?: number;
  /** Bytes of `memory` that only acquires of critical priority may use; whole slabs. @defaultValue 0 */
  reserve?: number;
  /**
   * A size class that runs out of slots grows to this many times its slabs, by one slab at least: 1 to 8.
   *
   * @defaultValue 1.25
   */
  growthFactor?: number;
  /** The most bytes that slots of one size class may take. @defaultValue `memory` */
  maxBytesPerClass?: number;
  /**
   * `trim` gives idle slabs of a size class back while more than this part of its slots is free: 0 to 1.
   *
   * @defaultValue 0.5
   */
  shrinkThreshold?: number;
  /** `trim` takes slabs that were opened longer ago than this out of use. @defaultValue Infinity */
  maxAgeMs?: number;
  /**
   * Whether slices are watched: `full` all, `sampled` one in 128, `off` none. A watched slice has
   * canaries before and after its bytes, checked on release (`ERR_SLICE_OVERRUN`); it is filled with a
   * pattern on release, checked when the slot is lent again (`ERR_SLICE_LATE_WRITE`); and it is reported
   * when it is garbage-collected without a release (`ERR_SLICE_LEAKED`), with where it was made and last
   * used. `sampled` patterns the first and last 16 bytes alone, and looks after one watched slice in 16
   * until it is collected, twenty a second at most. `BufferPools.leaks` lists all watched ones that are held for long.
   *
   * @defaultValue 'off'
   */
  safety?: SafetyLevel;
}

/** The settings as every thread knows them. */
export interface PoolSettings {
  readonly reserveSlabs: number;
  readonly growthFactor: number;
  readonly maxSlabsPerClass: number;
  readonly shrinkThreshold: number;
  /** 0: no limit. */
  readonly maxAgeTicks: number;
  readonly safety: SafetyLevel;
}

/** Of the caller's: each takes 1 KiB, a word pair in every thread's stripe. */
const MOST_COUNTERS = 4096;
/** Fractions are kept in words as multiples of 2^-16. */
const ONE = 2 ** 16;
const MOST_GROWTH = 8;
const MOST_TICKS = 2 ** 31 - 1;

/** Of how many leases one is watched at the level `safety`, if anybody watches. */
export function watchEvery(safety: SafetyLevel): number {
  return WATCH_EVERY[safety];
}

/** Slabs, the caller's counters and the settings that `options` ask for; throws `ERR_INVALID_ARG`. */
export function checked(options: BufferPoolsOptions): {
  slabs: number;
  counters: number;
  settings: PoolSettings;
} {
  const most = MOST_SLABS * SLAB_BYTES;
  const { memory, counters = 0, reserve = 0, growthFactor = 1.25, shrinkThreshold = 0.5 } = options;
  const { maxBytesPerClass = memory, maxAgeMs = Infinity, safety = 'off' } = options;
  if (!Number.isInteger(memory) || memory < SLAB_BYTES || memory > most) {
    throw invalid('memory', memory, `an integer from ${SLAB_BYTES} (4 MiB) to ${most} bytes`);
  }
  if (!Number.isInteger(counters) || counters < 0 || counters > MOST_COUNTERS) {
    throw invalid('counters', counters, `an integer from 0 to ${MOST_COUNTERS}`);
  }
  if (!Number.isInteger(reserve) || reserve < 0 || reserve > memory - SLAB_BYTES) {
    throw invalid('reserve', reserve, `an integer from 0 to 4 MiB less than "memory", in bytes`);
  }
  if (typeof growthFactor !== 'number' || !(growthFactor >= 1 && growthFactor <= MOST_GROWTH)) {
    throw invalid('growthFactor', growthFactor, 'a number from 1 to 8');
  }
  if (!Number.isInteger(maxBytesPerClass) || maxBytesPerClass < SLAB_BYTES) {
    throw invalid(
      'maxBytesPerClass',
      maxBytesPerClass,
      `an integer of at least ${SLAB_BYTES} (4 MiB)`,
    );
  }
  if (typeof shrinkThreshold !== 'number' || !(shrinkThreshold >= 0 && shrinkThreshold <= 1)) {
    throw invalid('shrinkThreshold', shrinkThreshold, 'a number from 0 to 1');
  }
  if (typeof maxAgeMs !== 'number' || !(maxAgeMs > 0))
    throw invalid('maxAgeMs', maxAgeMs, 'a positive number, or Infinity');
  if (!LEVELS.includes(safety)) throw invalid('safety', safety, `one of ${LEVELS.join(', ')}`);
  return {
    slabs: Math.floor(memory / SLAB_BYTES),
    counters,
    settings: {
      reserveSlabs: Math.ceil(reserve / SLAB_BYTES),
      growthFactor,
      maxSlabsPerClass: Math.min(MOST_SLABS, Math.floor(maxBytesPerClass / SLAB_BYTES)),
      shrinkThreshold,
      maxAgeTicks: ticksOf(maxAgeMs),
      safety,
    },
  };
}

/** The settings as words of the header. */
export function toWords(settings: PoolSettings): number[] {
  return [
    settings.reserveSlabs,
    Math.round(settings.growthFactor * ONE),
    settings.maxSlabsPerClass,
    Math.round(settings.shrinkThreshold * ONE),
    settings.maxAgeTicks,
    LEVELS.indexOf(settings.safety),
  ];
}

/**
 * The settings in the header of `words`.
 *
 * @throws MillraceError `ERR_BAD_HANDLE` when a thread that went by them would do damage
 */
export function fromWords(words: Int32Array): PoolSettings {
  const at = (index: number, least: number, most: number): number => {
    const word = words[HEADER_SETTINGS + index]!;
    if (word >= least && word <= most) return word;
    throw new MillraceError(
      'ERR_BAD_HANDLE',
      `Cannot attach memory as setting ${index} of its pools must be from ${least} to ${most}: it is ${word}`,
    );
  };
  // Where slices are not guarded, canaries would lie in the neighbours' bytes.
  const [leastLevel, mostLevel] = words[HEADER_GUARD] === 0 ? [0, 0] : [1, LEVELS.length - 1];
  return {
    reserveSlabs: at(0, 0, words[HEADER_SLABS]! - 1),
    growthFactor: at(1, ONE, MOST_GROWTH * ONE) / ONE,
    maxSlabsPerClass: at(2, 1, MOST_SLABS),
    shrinkThreshold: at(3, 0, ONE) / ONE,
    maxAgeTicks: at(4, 0, MOST_TICKS),
    safety: LEVELS[at(5, leastLevel, mostLevel)]!,
  };
}

/** In ticks, at least one for any time; 0 for Infinity: no limit. */
export function ticksOf(ms: number): number {
  return ms === Infinity ? 0 : Math.min(MOST_TICKS, Math.ceil(ms / TICK_MS));
}

function invalid(name: string, value: unknown, rule: string): MillraceError {
  return invalidSetting('make pools with', name, value, rule);
}
