/** Which threads a new mill starts when. */
import { createHook } from 'node:async_hooks';
import { availableParallelism } from 'node:os';
import { createMill } from '@millrace/workers';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Counter } from './objects.mjs';
import { killOne, whole } from './threads.ts';

/** As many as find a processor beside the mill's own thread. */
const AT_ONCE = Math.max(1, availableParallelism() - 1);
const THREADS = AT_ONCE + 2;

describe('a new mill', () => {
  test('starts no more threads at once than find a processor, and the others though nothing is asked of it', async () => {
    let started = 0;
    const hook = createHook({ init: (_id, type) => void (type === 'WORKER' && started++) });
    hook.enable();
    onTestFinished(() => void hook.disable());
    await using mill = await createMill({ threads: THREADS });
    expect(started).toBe(AT_ONCE);
    await whole(mill, THREADS);
    expect(started).toBe(THREADS);
  });

  test('has the others follow though one of the first has died meanwhile', async () => {
    const threads = AT_ONCE + 1;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    await using mill = await createMill({ threads });
    await killOne(mill);
    const replaced = (): boolean => {
      const { deaths, threads: ready } = mill.stats();
      return deaths === 1 && ready.length === AT_ONCE;
    };
    while (!replaced()) await new Promise((resolve) => setImmediate(resolve));
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
    await whole(mill, threads);
    expect(mill.stats().deaths).toBe(1);
  });

  test('starts no more of them than it is to have', async () => {
    await using mill = await createMill({ threads: THREADS + 1, minThreads: THREADS });
    await whole(mill, THREADS);
    await mill.warmUp();
    expect(mill.stats().threads).toHaveLength(THREADS);
  });

  test('has its remote objects wait for the others, so that they do not crowd in the first', async () => {
    await using mill = await createMill({ threads: THREADS });
    const url = new URL('objects.mjs', import.meta.url);
    const objects = await Promise.all(
      Array.from({ length: THREADS }, () => mill.remote<Counter>(url, 'Counter')),
    );
    expect(mill.stats().threads.map(({ remotes }) => remotes)).toEqual(
      Array.from({ length: THREADS }, () => 1),
    );
    for (const object of objects) await object[Symbol.asyncDispose]();
  });
});
