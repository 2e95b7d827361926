import type { BufferClass } from './buffer-class.js';
import { defined, type BufferManagerConfig } from './managed-settings.js';

/** What is said of one size or one pool leaves what was said of it before, and of the others. */
export function merged(
  config: BufferManagerConfig,
  change: BufferManagerConfig,
): BufferManagerConfig {
  const { bufferSizes, pools } = change;
  return {
    ...config,
    ...defined(change),
    ...(isObject(bufferSizes) && { bufferSizes: { ...config.bufferSizes, ...bufferSizes } }),
    ...(isObject(pools) && { pools: mergedPools(config.pools, pools) }),
  };
}

type PoolConfigs = NonNullable<BufferManagerConfig['pools']>;

function mergedPools(pools: PoolConfigs | undefined, change: PoolConfigs): PoolConfigs {
  const own = Object.entries(change).map(([name, config]) => [
    name,
    isObject(config) ? { ...pools?.[name as BufferClass], ...defined(config) } : config,
  ]);
  return { ...pools, ...Object.fromEntries(own) };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
