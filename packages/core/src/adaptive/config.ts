/**
 * The settings of an adaptive pool: what users may say, checked here, and what they get when they say
 * nothing.
 */
import { invalidSetting } from '../invalid-setting.js';
import { SIZE_CLASSES } from '../memory/size-classes.js';
import { SMALL_BYTES } from './category.js';
import { STRATEGIES, type BufferPoolStrategy } from './strategy.js';

const KiB = 1024;
const MiB = 1024 * KiB;

/** What timers take. */
const LONGEST_MS = 2 ** 31 - 1;
const MOST_OPS = 2 ** 31 - 1;

/** Sizes are bytes. */
export interface BufferPoolConfig {
  /** Whether pools are used at all; if not, every object is handled directly. @defaultValue true */
  readonly enabled?: boolean | undefined;
  /** The buffer for an object of unknown size. @defaultValue 64 KiB, as far as the next two allow it */
  readonly defaultBufferSize?: number | undefined;
  /** The smallest buffer that is worked with, however short memory is. @defaultValue 4 KiB */
  readonly minBufferSize?: number | undefined;
  /** The largest buffer that is taken from the pools in one piece. @defaultValue 1 MiB */
  readonly maxBufferSize?: number | undefined;
  /** From here on objects are large; at least 32 KiB. @defaultValue 256 KiB */
  readonly largeObjectThreshold?: number | undefined;
  /** From here on objects are very large. @defaultValue 1 MiB */
  readonly veryLargeObjectThreshold?: number | undefined;
  /** The strategy for large objects; `adaptive` means `chunked`. @defaultValue 'adaptive' */
  readonly largeObjectStrategy?: BufferPoolStrategy | undefined;
  /** The largest chunk. @defaultValue 128 KiB, or less if the other settings leave no room for that */
  readonly chunkSize?: number | undefined;
  /** So many objects that are large or more are worked on at a time; the others wait in line. @defaultValue 4 */
  readonly maxConcurrentLargeOps?: number | undefined;
  /**
   * Whether to time every operation, to remember who holds which buffer, and to watch the garbage
   * collector. @defaultValue false
   */
  readonly enableDetailedMetrics?: boolean | undefined;
  /**
   * How long to wait for memory, in milliseconds, before the next strategy is taken; 0 is not at all.
   *
   * @defaultValue 1000
   */
  readonly acquireTimeoutMs?: number | undefined;
}

/** Settings that leave nothing out. */
export type Complete<Config> = {
  readonly [Name in keyof Config]-?: Exclude<Config[Name], undefined>;
};

/** The settings, checked and complete. */
export type CheckedConfig = Complete<BufferPoolConfig>;

/**
 * Checks `config` and fills in what it leaves out.
 *
 * @param memoryBytes that all slices may take together
 * @param largestBytes that one slice may have
 * @throws MillraceError `ERR_INVALID_ARG`, which names the field, its value and the rule
 */
export function checkedConfig(
  config: BufferPoolConfig,
  memoryBytes: number,
  largestBytes: number = memoryBytes,
): CheckedConfig {
  const { enabled = true, enableDetailedMetrics = false } = config;
  const { largeObjectStrategy = 'adaptive' } = config;
  const { acquireTimeoutMs = 1000, maxConcurrentLargeOps = 4 } = config;
  const { largeObjectThreshold = 256 * KiB, veryLargeObjectThreshold = MiB } = config;

  need('enabled', enabled, typeof enabled === 'boolean', 'true or false');
  need(
    'enableDetailedMetrics',
    enableDetailedMetrics,
    typeof enableDetailedMetrics === 'boolean',
    'true or false',
  );
  need(
    'acquireTimeoutMs',
    acquireTimeoutMs,
    typeof acquireTimeoutMs === 'number' && acquireTimeoutMs >= 0 && acquireTimeoutMs <= LONGEST_MS,
    `a number from 0 to ${LONGEST_MS}`,
  );
  need(
    'maxConcurrentLargeOps',
    maxConcurrentLargeOps,
    isSize(maxConcurrentLargeOps) && maxConcurrentLargeOps <= MOST_OPS,
    `an integer from 1 to ${MOST_OPS}`,
  );
  need(
    'largeObjectThreshold',
    largeObjectThreshold,
    isSize(largeObjectThreshold) && largeObjectThreshold >= SMALL_BYTES,
    `an integer of at least ${SMALL_BYTES}, below which objects are small`,
  );
  need(
    'veryLargeObjectThreshold',
    veryLargeObjectThreshold,
    isSize(veryLargeObjectThreshold) && veryLargeObjectThreshold > largeObjectThreshold,
    `an integer above "largeObjectThreshold", which is ${largeObjectThreshold}`,
  );

  const { minBufferSize = 4 * KiB, maxBufferSize = MiB } = config;
  const most = Math.min(memoryBytes, largestBytes);
  need('minBufferSize', minBufferSize, isSize(minBufferSize), 'an integer of 1 or more');
  need(
    'maxBufferSize',
    maxBufferSize,
    isSize(maxBufferSize) && maxBufferSize >= minBufferSize,
    `an integer of at least "minBufferSize", which is ${minBufferSize}`,
  );
  need(
    'maxBufferSize',
    maxBufferSize,
    maxBufferSize <= most,
    `at most ${most}, which is the largest slice that the memory of ${memoryBytes} bytes has room for`,
  );
  const { defaultBufferSize = Math.min(Math.max(64 * KiB, minBufferSize), maxBufferSize) } = config;
  need(
    'defaultBufferSize',
    defaultBufferSize,
    isSize(defaultBufferSize) &&
      defaultBufferSize >= minBufferSize &&
      defaultBufferSize <= maxBufferSize,
    `an integer from "minBufferSize" to "maxBufferSize", which are ${minBufferSize} and ${maxBufferSize}`,
  );

  need(
    'largeObjectStrategy',
    largeObjectStrategy,
    STRATEGIES.includes(largeObjectStrategy),
    `one of ${STRATEGIES.join(', ')}`,
  );
  need(
    'largeObjectStrategy',
    largeObjectStrategy,
    enabled || largeObjectStrategy === 'direct' || largeObjectStrategy === 'adaptive',
    '"direct" or "adaptive" while "enabled" is false, as there are no pools then',
  );
  need(
    'largeObjectStrategy',
    largeObjectStrategy,
    largeObjectStrategy !== 'pooled' || veryLargeObjectThreshold <= maxBufferSize,
    `another one unless "maxBufferSize" (${maxBufferSize}) is at least "veryLargeObjectThreshold" (${veryLargeObjectThreshold}), as a large object is to fit one buffer`,
  );

  const room = Math.floor(memoryBytes / maxConcurrentLargeOps);
  const mostChunk = Math.min(largeObjectThreshold, maxBufferSize, room);
  const { chunkSize = Math.max(minBufferSize, classWithin(Math.min(128 * KiB, mostChunk))) } =
    config;
  need(
    'chunkSize',
    chunkSize,
    isSize(chunkSize) && chunkSize >= minBufferSize && chunkSize <= maxBufferSize,
    `an integer from "minBufferSize" to "maxBufferSize", which are ${minBufferSize} and ${maxBufferSize}`,
  );
  need(
    'chunkSize',
    chunkSize,
    chunkSize <= largeObjectThreshold,
    `at most "largeObjectThreshold", which is ${largeObjectThreshold}, as a large object is to have more than one chunk`,
  );
  need(
    'chunkSize',
    chunkSize,
    chunkSize <= room,
    `at most ${room}, so that each of ${maxConcurrentLargeOps} large operations ("maxConcurrentLargeOps") can have one in the memory of ${memoryBytes} bytes`,
  );

  return {
    enabled,
    defaultBufferSize,
    minBufferSize,
    maxBufferSize,
    largeObjectThreshold,
    veryLargeObjectThreshold,
    largeObjectStrategy,
    chunkSize,
    maxConcurrentLargeOps,
    enableDetailedMetrics,
    acquireTimeoutMs,
  };
}

function need(name: string, value: unknown, holds: boolean, rule: string): void {
  if (holds) return;
  throw invalidSetting('make an adaptive pool with', name, value, rule);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** The largest size class of at most `bytes`, or `bytes` if there is none. */
function classWithin(bytes: number): number {
  return SIZE_CLASSES.findLast((size) => size <= bytes) ?? bytes;
}
