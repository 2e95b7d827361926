/** The table of the reference, boundaries included. */
import { checkedConfig, categoryOf, selectStrategy, type BufferPoolStrategy } from '@millrace/core';
import { expect, test } from 'vitest';

const KiB = 1024;
const MiB = 1024 * KiB;
const MEMORY = 64 * MiB;
const defaults = checkedConfig({}, MEMORY);

test.each([
  [0, 'small', 'pooled'],
  [1, 'small', 'pooled'],
  [4 * KiB, 'small', 'pooled'],
  [16 * KiB, 'small', 'pooled'],
  [32 * KiB - 1, 'small', 'pooled'],
  [32 * KiB, 'medium', 'pooled'],
  [64 * KiB, 'medium', 'pooled'],
  [128 * KiB, 'medium', 'pooled'],
  [256 * KiB - 1, 'medium', 'pooled'],
  [256 * KiB, 'large', 'chunked'],
  [512 * KiB, 'large', 'chunked'],
  [1 * MiB - 1, 'large', 'chunked'],
  [1 * MiB, 'veryLarge', 'direct'],
  [2 * MiB, 'veryLarge', 'direct'],
  [64 * MiB, 'veryLarge', 'direct'],
  [Number.MAX_SAFE_INTEGER, 'veryLarge', 'direct'],
  [undefined, 'veryLarge', 'direct'],
])('an object of %s bytes is %s, and %s', (size, category, strategy) => {
  expect(categoryOf(defaults, size)).toBe(category);
  expect(selectStrategy(defaults, size)).toBe(strategy);
});

test('the thresholds are settings, and their lower bounds are inclusive too', () => {
  const config = checkedConfig(
    { largeObjectThreshold: 96 * KiB, veryLargeObjectThreshold: 200 * KiB, chunkSize: 64 * KiB },
    MEMORY,
  );
  const chosen = [96 * KiB - 1, 96 * KiB, 200 * KiB - 1, 200 * KiB].map((size) => [
    categoryOf(config, size),
    selectStrategy(config, size),
  ]);
  expect(chosen).toEqual([
    ['medium', 'pooled'],
    ['large', 'chunked'],
    ['large', 'chunked'],
    ['veryLarge', 'direct'],
  ]);
});

test.each<[BufferPoolStrategy, string]>([
  ['pooled', 'pooled'],
  ['chunked', 'chunked'],
  ['direct', 'direct'],
  ['adaptive', 'chunked'],
])('with "%s" for large objects these are %s, and no others', (largeObjectStrategy, strategy) => {
  const config = checkedConfig({ largeObjectStrategy }, MEMORY);
  expect(selectStrategy(config, 32 * KiB - 1)).toBe('pooled');
  expect(selectStrategy(config, 256 * KiB - 1)).toBe('pooled');
  expect(selectStrategy(config, 256 * KiB)).toBe(strategy);
  expect(selectStrategy(config, 1 * MiB - 1)).toBe(strategy);
  expect(selectStrategy(config, 1 * MiB)).toBe('direct');
});

test('without pools every object is handled directly', () => {
  const config = checkedConfig({ enabled: false }, MEMORY);
  for (const size of [0, 4 * KiB, 64 * KiB, 512 * KiB, 2 * MiB, undefined]) {
    expect(selectStrategy(config, size)).toBe('direct');
  }
});
