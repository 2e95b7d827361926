/** Every rule of the settings, and that an error names the field, its value and the rule. */
import { checkedConfig, type BufferPoolConfig } from '@millrace/core';
import { expect, test } from 'vitest';
import { thrownBy } from '../thrown.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const MEMORY = 64 * MiB;

test('who says nothing gets the settings of the reference', () => {
  expect(checkedConfig({}, MEMORY)).toEqual({
    enabled: true,
    defaultBufferSize: 64 * KiB,
    minBufferSize: 4 * KiB,
    maxBufferSize: 1 * MiB,
    largeObjectThreshold: 256 * KiB,
    veryLargeObjectThreshold: 1 * MiB,
    largeObjectStrategy: 'adaptive',
    chunkSize: 128 * KiB,
    maxConcurrentLargeOps: 4,
    enableDetailedMetrics: false,
    acquireTimeoutMs: 1000,
  });
});

test('what is said is kept', () => {
  const config: Required<BufferPoolConfig> = {
    enabled: false,
    defaultBufferSize: 16 * KiB,
    minBufferSize: 8 * KiB,
    maxBufferSize: 2 * MiB,
    largeObjectThreshold: 128 * KiB,
    veryLargeObjectThreshold: 4 * MiB,
    largeObjectStrategy: 'direct',
    chunkSize: 32 * KiB,
    maxConcurrentLargeOps: 7,
    enableDetailedMetrics: true,
    acquireTimeoutMs: 0,
  };
  expect(checkedConfig(config, MEMORY)).toEqual(config);
});

const NO_SIZES = [0, -1, 1.5, NaN, Infinity, '4096', null, 4096n];

/** Field, value, what else is set, and what the rule says. */
const broken: [keyof BufferPoolConfig, unknown, BufferPoolConfig, string][] = [
  ...NO_SIZES.flatMap((value): (typeof broken)[number][] => [
    ['minBufferSize', value, {}, 'an integer of 1 or more'],
    ['maxBufferSize', value, {}, 'at least "minBufferSize", which is 4096'],
    ['defaultBufferSize', value, {}, 'from "minBufferSize" to "maxBufferSize"'],
    ['largeObjectThreshold', value, {}, 'an integer of at least 32768'],
    ['veryLargeObjectThreshold', value, {}, 'an integer above "largeObjectThreshold"'],
    ['chunkSize', value, {}, 'from "minBufferSize" to "maxBufferSize"'],
    ['maxConcurrentLargeOps', value, {}, 'an integer from 1 to 2147483647'],
  ]),
  ['enabled', 1, {}, 'true or false'],
  ['enabled', null, {}, 'true or false'],
  ['enableDetailedMetrics', 'yes', {}, 'true or false'],
  ['acquireTimeoutMs', -1, {}, 'a number from 0 to 2147483647'],
  ['acquireTimeoutMs', NaN, {}, 'a number from 0 to 2147483647'],
  ['acquireTimeoutMs', Infinity, {}, 'a number from 0 to 2147483647'],
  ['acquireTimeoutMs', '5', {}, 'a number from 0 to 2147483647'],
  // Thresholds ascend.
  ['largeObjectThreshold', 32 * KiB - 1, {}, 'at least 32768'],
  ['veryLargeObjectThreshold', 256 * KiB, {}, 'above "largeObjectThreshold", which is 262144'],
  ['veryLargeObjectThreshold', 64 * KiB, {}, 'above "largeObjectThreshold", which is 262144'],
  [
    'veryLargeObjectThreshold',
    1 * MiB,
    { largeObjectThreshold: 2 * MiB },
    'above "largeObjectThreshold", which is 2097152',
  ],
  // Buffers: least, default, most.
  ['maxBufferSize', 2 * KiB, {}, 'at least "minBufferSize", which is 4096'],
  ['maxBufferSize', 1 * MiB, { minBufferSize: 2 * MiB }, '"minBufferSize", which is 2097152'],
  ['maxBufferSize', MEMORY + 1, {}, `at most ${MEMORY}`],
  ['defaultBufferSize', 4 * KiB - 1, {}, 'which are 4096 and 1048576'],
  ['defaultBufferSize', 1 * MiB + 1, {}, 'which are 4096 and 1048576'],
  // Chunks, against buffers, thresholds and memory.
  ['chunkSize', 4 * KiB - 1, {}, 'which are 4096 and 1048576'],
  [
    'chunkSize',
    1 * MiB + 1,
    { largeObjectThreshold: 4 * MiB, veryLargeObjectThreshold: 8 * MiB },
    'which are 4096 and 1048576',
  ],
  ['chunkSize', 256 * KiB + 1, {}, 'at most "largeObjectThreshold", which is 262144'],
  ['chunkSize', 128 * KiB, { maxConcurrentLargeOps: 1024 }, 'at most 65536, so that each of 1024'],
  ['maxConcurrentLargeOps', 2 ** 31, {}, 'an integer from 1 to 2147483647'],
  // The strategy goes with the others.
  ['largeObjectStrategy', 'fast', {}, 'one of pooled, chunked, direct, adaptive'],
  ['largeObjectStrategy', null, {}, 'one of pooled, chunked, direct, adaptive'],
  ['largeObjectStrategy', 'pooled', { enabled: false }, '"enabled" is false'],
  ['largeObjectStrategy', 'chunked', { enabled: false }, '"enabled" is false'],
  ['largeObjectStrategy', 'pooled', { maxBufferSize: 512 * KiB }, '"maxBufferSize" (524288)'],
];

test.each(broken)('"%s" of %s with %j is refused', (field, value, others, rule) => {
  const config = { ...others, [field]: value } as BufferPoolConfig;
  const error = thrownBy(() => checkedConfig(config, MEMORY));
  expect(error.code).toBe('ERR_INVALID_ARG');
  expect(error.message).toContain(`"${field}" of ${String(value)}`);
  expect(error.message).toContain(rule);
});

test.each<[string, BufferPoolConfig]>([
  ['the large threshold where small ends', { largeObjectThreshold: 32 * KiB, chunkSize: 32 * KiB }],
  ['a very large threshold of one byte more', { veryLargeObjectThreshold: 256 * KiB + 1 }],
  [
    'one size for all buffers',
    {
      minBufferSize: 64 * KiB,
      defaultBufferSize: 64 * KiB,
      maxBufferSize: 64 * KiB,
      chunkSize: 64 * KiB,
    },
  ],
  ['a chunk as large as the smallest large object', { chunkSize: 256 * KiB }],
  ['a chunk as small as the smallest buffer', { chunkSize: 4 * KiB }],
  ['a cap of one', { maxConcurrentLargeOps: 1 }],
  ['the largest buffer that memory has room for', { maxBufferSize: MEMORY }],
  ['direct strategy without pools', { enabled: false, largeObjectStrategy: 'direct' }],
  ['adaptive strategy without pools', { enabled: false, largeObjectStrategy: 'adaptive' }],
  ['pooled large objects that just fit', { largeObjectStrategy: 'pooled', maxBufferSize: 1 * MiB }],
  ['no waiting', { acquireTimeoutMs: 0 }],
  ['what is undefined', { chunkSize: undefined, enabled: undefined }],
])('%s is taken', (_, config) => {
  expect(() => checkedConfig(config, MEMORY)).not.toThrow();
});

test('what is left out goes by what is said', () => {
  expect(checkedConfig({ minBufferSize: 128 * KiB }, MEMORY).defaultBufferSize).toBe(128 * KiB);
  expect(checkedConfig({ maxBufferSize: 32 * KiB }, MEMORY).defaultBufferSize).toBe(32 * KiB);
  expect(checkedConfig({ maxBufferSize: 32 * KiB }, MEMORY).chunkSize).toBe(32 * KiB);
  expect(checkedConfig({ largeObjectThreshold: 100 * KiB }, MEMORY).chunkSize).toBe(64 * KiB);
  expect(checkedConfig({ maxConcurrentLargeOps: 64 }, 4 * MiB).chunkSize).toBe(64 * KiB);
});

test('one slice may have less than the memory, and so may a buffer', () => {
  const error = thrownBy(() => checkedConfig({ maxBufferSize: 8 * MiB }, MEMORY, 4 * MiB));
  expect(error.message).toContain('"maxBufferSize" of 8388608');
  expect(error.message).toContain(`at most ${4 * MiB}`);
});
