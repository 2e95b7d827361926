/** The memory manager of a mill. */
import { totalmem } from 'node:os';
import { createMill } from '@millrace/workers';
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { sum } from '../ops.mjs';

const MiB = 2 ** 20;

test('a mill manages its memory by the settings that it is given', async () => {
  await using mill = await createMill({
    threads: 1,
    memory: 32 * MiB,
    memoryManager: { memoryPressureThreshold: 8 * MiB, criticalThreshold: 16 * MiB },
  });
  expect(mill.memory.usage()).toMatchObject({ budgetBytes: 32 * MiB, currentMemoryUsage: 0 });
  const slices = [mill.buffers.acquire(4 * MiB), mill.buffers.acquire(4 * MiB)];
  expect(mill.memory.sample()).toBe('elevated');
  slices.push(mill.buffers.acquire(4 * MiB), mill.buffers.acquire(4 * MiB));
  expect(mill.memory.sample()).toBe('critical');
  for (const slice of slices) slice.release();
  expect(mill.memory.sample()).toBe('normal');
});

test('settings that cannot be are refused before a thread starts', async () => {
  const making = createMill({ memoryManager: { bufferLifetimeMs: 0 } });
  await expect(making).rejects.toMatchObject({ code: 'ERR_INVALID_ARG' });
  await expect(making).rejects.toThrow(/"bufferLifetimeMs" of 0/);
});

test('more than the machine has is not pre-allocated: the error names the setting', async () => {
  const making = createMill({
    memory: totalmem(),
    memoryManager: { allocationStrategy: 'pre-allocate' },
  });
  await expect(making).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
  await expect(making).rejects.toThrow(/"allocationStrategy"/);
});

test('a mill pre-allocates while it works', async () => {
  await using mill = await createMill({
    threads: 1,
    memory: 32 * MiB,
    memoryManager: { allocationStrategy: 'pre-allocate' },
  });
  await until(async () => {
    expect(await mill.run(sum, new Uint8Array([1, 2]))).toBe(3);
    return mill.memory.usage().preallocatedBytes === 32 * MiB;
  });
  expect(mill.stats().memory.open).toBe(32 * MiB);
});

test('a mill at work samples memory, and gives idle memory back when its lifetime is over', async () => {
  await using mill = await createMill({
    threads: 1,
    memory: 32 * MiB,
    memoryManager: { sampleEveryMs: 10, bufferLifetimeMs: 50 },
  });
  expect(await mill.run(sum, new Uint8Array(4 * MiB).fill(1))).toBe(4 * MiB);
  expect(mill.stats().memory.open).toBeGreaterThan(0);
  await until(() => mill.stats().memory.open === 0);
  expect(mill.memory.usage().relieved.arenas).toBeGreaterThan(0);
});
