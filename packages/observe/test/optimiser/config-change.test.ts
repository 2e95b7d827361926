import { checkedManagerConfig } from '@millrace/core';
import { changesOf, configOf } from '@millrace/observe';
import { describe, expect, test } from 'vitest';

const MEMORY = 100 * 1024 * 1024;

describe('changes of settings', () => {
  const settings = checkedManagerConfig({ maxPoolSize: 10 });

  test('are told one by one, with what they do', () => {
    const change = {
      allocationStrategy: 'pooled',
      poolThreshold: 4096,
      bufferSizes: { small: 16_384 },
      pools: { small: { maxSize: 20, initialSize: 5, growthFactor: 1, shrinkThreshold: 0.5 } },
    } as const;
    const changes = changesOf(settings, change, MEMORY);
    expect(
      changes.map(({ parameter, oldValue, newValue }) => [parameter, oldValue, newValue]),
    ).toEqual([
      ['allocationStrategy', 'hybrid', 'pooled'],
      ['poolThreshold', 1_048_576, 4096],
      ['bufferSizes.small', 4096, 16_384],
      ['pools.small.maxSize', 10, 20],
      ['pools.small.initialSize', 0, 5],
      ['pools.small.growthFactor', 1.5, 1],
      ['pools.small.shrinkThreshold', 0.3, 0.5],
    ]);
    expect(changes.map(({ risk }) => risk)).toEqual([
      'high',
      'medium',
      'medium',
      'low',
      'low',
      'low',
      'low',
    ]);
    expect(changes.map(({ impact }) => impact)).toEqual([
      'takes buffers pooled',
      'serves up to 4096 bytes from the stock, and more from private memory',
      'makes small buffers of 16384 bytes; those of another size go',
      // With the new size.
      `keeps up to 20 small buffers in stock: ${20 * 16_384} bytes`,
      `has 5 small buffers at least, once they are made: ${5 * 16_384} bytes`,
      'makes 1 times the small buffers in use when none is in stock',
      'sets pools.small.shrinkThreshold to 0.5',
    ]);
  });

  test('can be made, and taken back', () => {
    const change = {
      poolThreshold: 4096,
      pools: { small: { maxSize: 20 }, huge: { initialSize: 2 } },
    };
    const changes = changesOf(settings, change, MEMORY);
    expect(configOf(changes)).toEqual(change);
    expect(configOf(changes, 'oldValue')).toEqual({
      poolThreshold: 1_048_576,
      pools: { small: { maxSize: 10 }, huge: { initialSize: 0 } },
    });
  });

  test('may be of what is either so or not', () => {
    const change = { enablePooling: false, pools: { huge: { validateOnGet: false } } };
    const changes = changesOf(settings, change, MEMORY);
    expect(configOf(changes)).toEqual(change);
    expect(configOf(changes, 'oldValue')).toEqual({
      enablePooling: true,
      pools: { huge: { validateOnGet: true } },
    });
  });

  test('are none where all is so already', () => {
    expect(
      changesOf(settings, { maxPoolSize: 10, pools: { small: { maxSize: 10 } } }, MEMORY),
    ).toEqual([]);
  });
});
