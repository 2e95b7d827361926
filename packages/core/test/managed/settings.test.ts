/** Every rule of the settings, and that an error names the field, its value and the rule. */
import {
  checkedManagerConfig,
  checkedPoolConfig,
  type BufferManagerConfig,
  type PoolConfig,
} from '@millrace/core';
import { expect, test } from 'vitest';
import { thrownBy } from '../thrown.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

const POOL: Required<PoolConfig> = {
  initialSize: 0,
  maxSize: 64,
  growthFactor: 1.5,
  shrinkThreshold: 0.3,
  validateOnGet: true,
  validateOnPut: true,
  resetOnPut: true,
  maxAgeMs: 3_600_000,
};

test('who says nothing gets the settings of the reference, and an empty stock', () => {
  expect(checkedPoolConfig({})).toEqual(POOL);
  expect(checkedManagerConfig({})).toEqual({
    enablePooling: true,
    enableOptimization: false,
    enableMonitoring: true,
    defaultPoolSize: 0,
    maxPoolSize: 64,
    bufferSizes: { small: 4 * KiB, medium: 64 * KiB, large: 1 * MiB, huge: 4 * MiB },
    pools: { small: POOL, medium: POOL, large: POOL, huge: POOL },
    gcTriggerRatio: 0.8,
    optimizationPeriodMs: 60_000,
    monitoringIntervalMs: 1000,
    allocationStrategy: 'hybrid',
    poolThreshold: 1 * MiB,
    leakAfterMs: Infinity,
  });
});

test('what is said is kept', () => {
  const pool: Required<PoolConfig> = {
    initialSize: 3,
    maxSize: 7,
    growthFactor: 2,
    shrinkThreshold: 0.5,
    validateOnGet: false,
    validateOnPut: false,
    resetOnPut: false,
    maxAgeMs: 50,
  };
  expect(checkedPoolConfig(pool)).toEqual(pool);
  const config = {
    enablePooling: false,
    enableOptimization: true,
    enableMonitoring: false,
    defaultPoolSize: 1,
    maxPoolSize: 2,
    bufferSizes: { small: 1, medium: 2, large: 3, huge: 4 },
    pools: { small: pool, medium: pool, large: pool, huge: pool },
    gcTriggerRatio: 1,
    optimizationPeriodMs: 1,
    monitoringIntervalMs: 2,
    allocationStrategy: 'zero-copy',
    poolThreshold: 0,
    leakAfterMs: 3,
  } as const;
  expect(checkedManagerConfig(config)).toEqual(config);
});

test('what is said of all pools goes for each, unless it says otherwise', () => {
  const { pools } = checkedManagerConfig({
    defaultPoolSize: 4,
    maxPoolSize: 8,
    pools: { small: { maxSize: 2 }, medium: { initialSize: 9 }, large: { maxAgeMs: undefined } },
  });
  expect(pools.small).toEqual({ ...POOL, initialSize: 2, maxSize: 2 });
  expect(pools.medium).toEqual({ ...POOL, initialSize: 9, maxSize: 9 });
  expect(pools.large).toEqual({ ...POOL, initialSize: 4, maxSize: 8 });
  expect(pools.huge).toEqual({ ...POOL, initialSize: 4, maxSize: 8 });
});

test('the pools take what the class large has', () => {
  expect(checkedManagerConfig({ bufferSizes: { large: 2 * MiB } }).poolThreshold).toBe(2 * MiB);
});

const NO_COUNTS = [-1, 1.5, NaN, Infinity, '4', null];
const NO_TIMES = [0, -1, NaN, '4', null];
const NO_FLAGS = [1, 'true', null];

const brokenPools: [keyof PoolConfig, unknown, PoolConfig, string][] = [
  ...NO_COUNTS.flatMap((value): (typeof brokenPools)[number][] => [
    ['initialSize', value, {}, 'an integer of 0 or more'],
    ['maxSize', value, {}, 'an integer of 0 or more'],
  ]),
  ...NO_FLAGS.flatMap((value): (typeof brokenPools)[number][] => [
    ['validateOnGet', value, {}, 'true or false'],
    ['validateOnPut', value, {}, 'true or false'],
    ['resetOnPut', value, {}, 'true or false'],
  ]),
  ...NO_TIMES.map((value): (typeof brokenPools)[number] => [
    'maxAgeMs',
    value,
    {},
    'a number above 0, or Infinity',
  ]),
  ['maxSize', 4, { initialSize: 5 }, 'an integer of 5 or more: "initialSize"'],
  ['growthFactor', 0.9, {}, 'a number from 1 to 8'],
  ['growthFactor', 8.1, {}, 'a number from 1 to 8'],
  ['growthFactor', NaN, {}, 'a number from 1 to 8'],
  ['growthFactor', '2', {}, 'a number from 1 to 8'],
  ['shrinkThreshold', -0.1, {}, 'a number from 0 to 1'],
  ['shrinkThreshold', 1.1, {}, 'a number from 0 to 1'],
  ['shrinkThreshold', NaN, {}, 'a number from 0 to 1'],
];

test.each(brokenPools)('a pool with "%s" of %s and %j is refused', (field, value, others, rule) => {
  const error = thrownBy(() => checkedPoolConfig({ ...others, [field]: value }));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`"${field}" of ${String(value)}`);
  expect(error.message).toContain(rule);
});

const broken: [keyof BufferManagerConfig, unknown, string, string][] = [
  ...NO_COUNTS.flatMap((value): (typeof broken)[number][] => [
    ['defaultPoolSize', value, `"defaultPoolSize" of ${String(value)}`, 'an integer of 0 or more'],
    ['maxPoolSize', value, `"maxPoolSize" of ${String(value)}`, 'an integer of 0 or more'],
    ['poolThreshold', value, `"poolThreshold" of ${String(value)}`, 'an integer of 0 or more'],
    ['bufferSizes', { small: value }, `"bufferSizes.small" of ${String(value)}`, 'of 1 or more'],
    ['bufferSizes', { huge: value }, `"bufferSizes.huge" of ${String(value)}`, 'of 1048577'],
    ['pools', { huge: { maxSize: value } }, `"pools.huge.maxSize" of ${String(value)}`, 'of 0'],
  ]),
  ...NO_FLAGS.flatMap((value): (typeof broken)[number][] => [
    ['enablePooling', value, `"enablePooling" of ${String(value)}`, 'true or false'],
    ['enableOptimization', value, `"enableOptimization" of ${String(value)}`, 'true or false'],
    ['enableMonitoring', value, `"enableMonitoring" of ${String(value)}`, 'true or false'],
  ]),
  ...NO_TIMES.flatMap((value): (typeof broken)[number][] => [
    ['optimizationPeriodMs', value, `"optimizationPeriodMs" of ${String(value)}`, 'above 0'],
    ['monitoringIntervalMs', value, `"monitoringIntervalMs" of ${String(value)}`, 'above 0'],
    ['leakAfterMs', value, `"leakAfterMs" of ${String(value)}`, 'above 0'],
  ]),
  ['gcTriggerRatio', 0, '"gcTriggerRatio" of 0', 'a number above 0, and at most 1'],
  ['gcTriggerRatio', 1.1, '"gcTriggerRatio" of 1.1', 'a number above 0, and at most 1'],
  ['gcTriggerRatio', NaN, '"gcTriggerRatio" of NaN', 'a number above 0, and at most 1'],
  ['allocationStrategy', 'fast', '"allocationStrategy" of fast', 'pooled, direct, hybrid, zero'],
  ['bufferSizes', { medium: 4 * KiB }, '"bufferSizes.medium" of 4096', '"bufferSizes.small"'],
  ['bufferSizes', { tiny: 1 }, '"bufferSizes" of tiny', 'some of small, medium, large, huge'],
  ['pools', { tiny: {} }, '"pools" of tiny', 'some of small, medium, large, huge'],
  ['pools', 7, '"pools" of 7', 'some of small, medium, large, huge'],
];

test.each(broken)('a manager with "%s" of %j is refused: %s', (field, value, named, rule) => {
  const error = thrownBy(() => checkedManagerConfig({ [field]: value }));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(named);
  expect(error.message).toContain(rule);
});

test('a stock of none beyond what is taken beforehand is refused', () => {
  const error = thrownBy(() => checkedManagerConfig({ defaultPoolSize: 9, maxPoolSize: 8 }));
  expect(error.message).toContain('"maxPoolSize" of 8');
  expect(error.message).toContain('an integer of 9 or more: "defaultPoolSize"');
});
