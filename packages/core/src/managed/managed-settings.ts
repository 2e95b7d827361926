/**
 * The settings of a buffer manager and of its pools: what users may say, checked here, and what they get
 * when they say nothing.
 */
import type { Complete } from '../adaptive/config.js';
import { invalidSetting } from '../invalid-setting.js';
import {
  BUFFER_CLASSES,
  DEFAULT_BUFFER_SIZES,
  type BufferClass,
  type BufferSizes,
} from './buffer-class.js';

/**
 * Where buffers come from.
 *
 * - `pooled`: the stock of their class, whatever the size
 * - `direct`: private memory, each used once
 * - `hybrid`: pooled up to `poolThreshold` bytes, direct above
 * - `zero-copy`: slices alone, never private memory: what other threads, kernels and direct I/O can work
 *   in as it is. They come from the stock as well
 */
export type BufferAllocationStrategy = 'pooled' | 'direct' | 'hybrid' | 'zero-copy';

const BUFFER_ALLOCATION_STRATEGIES: readonly BufferAllocationStrategy[] = [
  'pooled',
  'direct',
  'hybrid',
  'zero-copy',
];

/** How a pool of managed buffers works. */
export interface PoolConfig {
  /** Buffers that are taken beforehand, as far as memory is to be had, and that shrinking leaves. @defaultValue 0 */
  readonly initialSize?: number | undefined;
  /** The most buffers that are kept in stock; what comes back beyond that is destroyed. @defaultValue 64 */
  readonly maxSize?: number | undefined;
  /**
   * When the stock is empty, the pool grows to so many times its buffers, in use and in stock, by one at least: 1
   * to 8.
   *
   * @defaultValue 1.5
   */
  readonly growthFactor?: number | undefined;
  /**
   * Upkeep shrinks the pool when less than this part of its buffers has been in use at once lately, over the
   * last ten upkeeps: 0 (never) to 1. It leaves `growthFactor` times as many as that.
   *
   * @defaultValue 0.3
   */
  readonly shrinkThreshold?: number | undefined;
  /** Whether a buffer from the stock is validated before it is handed out. @defaultValue true */
  readonly validateOnGet?: boolean | undefined;
  /** Whether a buffer that comes back is validated. @defaultValue true */
  readonly validateOnPut?: boolean | undefined;
  /** Whether a buffer that goes into the stock is reset. @defaultValue true */
  readonly resetOnPut?: boolean | undefined;
  /** A buffer that is older than this is handed out no more; above 0. @defaultValue 3 600 000, an hour */
  readonly maxAgeMs?: number | undefined;
}

/** The settings of a pool, checked and complete. */
export type PoolSettings = Complete<PoolConfig>;

export interface BufferManagerConfig {
  /** Whether there is a stock; if not, every buffer is direct, but for those asked for with `zeroCopy`. @defaultValue true */
  readonly enablePooling?: boolean | undefined;
  /** Whether a `BufferOptimizer` that is given the manager may change its settings. @defaultValue false */
  readonly enableOptimization?: boolean | undefined;
  /** Whether events are told, where somebody listens. @defaultValue true */
  readonly enableMonitoring?: boolean | undefined;
  /** `initialSize` of the pools. @defaultValue 0 */
  readonly defaultPoolSize?: number | undefined;
  /** `maxSize` of the pools. @defaultValue 64 */
  readonly maxPoolSize?: number | undefined;
  /** Bytes of a buffer of each class, ascending. @defaultValue 4 KiB, 64 KiB, 1 MiB, 4 MiB */
  readonly bufferSizes?: Partial<BufferSizes> | undefined;
  /** What else a pool is to have of its own, by class. */
  readonly pools?: Partial<Readonly<Record<BufferClass, PoolConfig>>> | undefined;
  /**
   * When more than this part of the pools' memory is lent, by whomever, upkeep gives the whole stock back, and
   * buffers of low priority come from the stock alone: above 0, to 1.
   *
   * @defaultValue 0.8
   */
  readonly gcTriggerRatio?: number | undefined;
  /** How often a `BufferOptimizer` that is given the manager looks at it: above 0. @defaultValue 60 000 */
  readonly optimizationPeriodMs?: number | undefined;
  /** How often there is upkeep while buffers come and go, and how often a `BufferMonitor` looks: above 0. @defaultValue 1000 */
  readonly monitoringIntervalMs?: number | undefined;
  /** @defaultValue 'hybrid' */
  readonly allocationStrategy?: BufferAllocationStrategy | undefined;
  /** The largest buffer that `hybrid` takes from the stock. @defaultValue that of the class `large` */
  readonly poolThreshold?: number | undefined;
  /** A buffer in use for longer than this is told of as a leak: above 0. @defaultValue Infinity */
  readonly leakAfterMs?: number | undefined;
}

/** The settings of a manager, checked and complete. */
export interface BufferManagerSettings {
  readonly enablePooling: boolean;
  readonly enableOptimization: boolean;
  readonly enableMonitoring: boolean;
  readonly defaultPoolSize: number;
  readonly maxPoolSize: number;
  readonly bufferSizes: BufferSizes;
  readonly pools: Readonly<Record<BufferClass, PoolSettings>>;
  readonly gcTriggerRatio: number;
  readonly optimizationPeriodMs: number;
  readonly monitoringIntervalMs: number;
  readonly allocationStrategy: BufferAllocationStrategy;
  readonly poolThreshold: number;
  readonly leakAfterMs: number;
}

const MOST_GROWTH = 8;

/** @throws MillraceError `ERR_INVALID_ARG`, which names the field, its value and the rule */
export function checkedManagerConfig(config: BufferManagerConfig): BufferManagerSettings {
  const { enablePooling = true, enableOptimization = false, enableMonitoring = true } = config;
  const { defaultPoolSize = 0, gcTriggerRatio = 0.8, allocationStrategy = 'hybrid' } = config;
  const { maxPoolSize = Math.max(64, defaultPoolSize) } = config;
  const { optimizationPeriodMs = 60_000, monitoringIntervalMs = 1000 } = config;
  const { leakAfterMs = Infinity } = config;
  needBoolean('enablePooling', enablePooling);
  needBoolean('enableOptimization', enableOptimization);
  needBoolean('enableMonitoring', enableMonitoring);
  needCount('defaultPoolSize', defaultPoolSize, 0);
  needCount('maxPoolSize', maxPoolSize, defaultPoolSize, '"defaultPoolSize"');
  const bufferSizes = checkedSizes(config.bufferSizes ?? {});
  const ratio = typeof gcTriggerRatio === 'number' && gcTriggerRatio > 0 && gcTriggerRatio <= 1;
  need('gcTriggerRatio', gcTriggerRatio, ratio, 'a number above 0, and at most 1');
  needTime('optimizationPeriodMs', optimizationPeriodMs);
  needTime('monitoringIntervalMs', monitoringIntervalMs);
  needTime('leakAfterMs', leakAfterMs);
  need(
    'allocationStrategy',
    allocationStrategy,
    BUFFER_ALLOCATION_STRATEGIES.includes(allocationStrategy),
    `one of ${BUFFER_ALLOCATION_STRATEGIES.join(', ')}`,
  );
  const { poolThreshold = bufferSizes.large } = config;
  needCount('poolThreshold', poolThreshold, 0);
  const pools = checkedPools(config.pools ?? {}, defaultPoolSize, maxPoolSize);
  return {
    enablePooling,
    enableOptimization,
    enableMonitoring,
    defaultPoolSize,
    maxPoolSize,
    bufferSizes,
    pools,
    gcTriggerRatio,
    optimizationPeriodMs,
    monitoringIntervalMs,
    allocationStrategy,
    poolThreshold,
    leakAfterMs,
  };
}

/**
 * @param at what stands before the name of a field in an error
 * @throws MillraceError `ERR_INVALID_ARG`, which names the field, its value and the rule
 */
export function checkedPoolConfig(config: PoolConfig, at = ''): PoolSettings {
  const { initialSize = 0, growthFactor = 1.5, shrinkThreshold = 0.3 } = config;
  const { maxSize = Math.max(64, initialSize), maxAgeMs = 3_600_000 } = config;
  const { validateOnGet = true, validateOnPut = true, resetOnPut = true } = config;
  needCount(`${at}initialSize`, initialSize, 0);
  needCount(`${at}maxSize`, maxSize, initialSize, '"initialSize"');
  const grows =
    typeof growthFactor === 'number' && growthFactor >= 1 && growthFactor <= MOST_GROWTH;
  need(`${at}growthFactor`, growthFactor, grows, `a number from 1 to ${MOST_GROWTH}`);
  const shrinks =
    typeof shrinkThreshold === 'number' && shrinkThreshold >= 0 && shrinkThreshold <= 1;
  need(`${at}shrinkThreshold`, shrinkThreshold, shrinks, 'a number from 0 to 1');
  needBoolean(`${at}validateOnGet`, validateOnGet);
  needBoolean(`${at}validateOnPut`, validateOnPut);
  needBoolean(`${at}resetOnPut`, resetOnPut);
  needTime(`${at}maxAgeMs`, maxAgeMs);
  return {
    initialSize,
    maxSize,
    growthFactor,
    shrinkThreshold,
    validateOnGet,
    validateOnPut,
    resetOnPut,
    maxAgeMs,
  };
}

/** `config` without what is undefined in it. */
export function defined<Config extends object>(config: Config): Partial<Config> {
  const said = Object.entries(config).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Partial<Config>;
}

function checkedSizes(sizes: Partial<BufferSizes>): BufferSizes {
  needNames('bufferSizes', sizes);
  const { small, medium, large, huge } = { ...DEFAULT_BUFFER_SIZES, ...sizes };
  needCount('bufferSizes.small', small, 1);
  needCount('bufferSizes.medium', medium, small + 1, 'more than "bufferSizes.small"');
  needCount('bufferSizes.large', large, medium + 1, 'more than "bufferSizes.medium"');
  needCount('bufferSizes.huge', huge, large + 1, 'more than "bufferSizes.large"');
  return { small, medium, large, huge };
}

function checkedPools(
  pools: Partial<Readonly<Record<BufferClass, PoolConfig>>>,
  initialSize: number,
  maxSize: number,
): Readonly<Record<BufferClass, PoolSettings>> {
  needNames('pools', pools);
  const checked = (bufferClass: BufferClass): PoolSettings => {
    const own = pools[bufferClass] ?? {};
    need(`pools.${bufferClass}`, own, typeof own === 'object', 'an object');
    // What a pool says of one of the two moves the other, where that says nothing.
    const { initialSize: beforehand = 0, maxSize: most = initialSize } = own;
    const common = {
      initialSize: most >= 0 ? Math.min(initialSize, most) : initialSize,
      maxSize: Math.max(maxSize, beforehand),
    };
    return checkedPoolConfig({ ...common, ...defined(own) }, `pools.${bufferClass}.`);
  };
  return {
    small: checked('small'),
    medium: checked('medium'),
    large: checked('large'),
    huge: checked('huge'),
  };
}

function needNames(name: string, value: object): void {
  const known: readonly string[] = BUFFER_CLASSES;
  const unknown =
    typeof value === 'object' && Object.keys(value).find((key) => !known.includes(key));
  const rule = `an object with some of ${known.join(', ')}`;
  need(name, unknown || value, typeof value === 'object' && unknown === undefined, rule);
}

function needBoolean(name: string, value: unknown): void {
  need(name, value, typeof value === 'boolean', 'true or false');
}

function needTime(name: string, value: unknown): void {
  need(name, value, typeof value === 'number' && value > 0, 'a number above 0, or Infinity');
}

function needCount(name: string, value: unknown, least: number, of?: string): void {
  const holds = Number.isSafeInteger(value) && (value as number) >= least;
  need(name, value, holds, `an integer of ${least} or more${of === undefined ? '' : `: ${of}`}`);
}

function need(name: string, value: unknown, holds: boolean, rule: string): void {
  if (holds) return;
  throw invalidSetting('manage buffers with', name, value, rule);
}
