import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createMill, type Mill } from '@millrace/workers';
import { afterEach, describe, expect, test } from 'vitest';
import {
  describe as describeOp,
  dieOverChildren,
  failInside,
  largeInLarge,
  meetInside,
  sumInParts,
  tree,
} from './branch-ops.mjs';
import { Gate } from './gate.ts';
import { invertChunks } from './ops.mjs';
import { whole } from './threads.ts';
import { until } from './until.ts';

let mill: Mill;
const threads: Worker[] = [];

afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.terminate()));
  await mill.close();
});

function startThread(): Worker {
  const handle = mill.handle();
  const thread = new Worker(new URL('./branch-thread.mjs', import.meta.url), {
    workerData: handle,
    transferList: [handle.port],
  });
  threads.push(thread);
  return thread;
}

async function ask(thread: Worker, order: { act: string; count?: number }): Promise<unknown> {
  const answer = once(thread, 'message');
  thread.postMessage(order);
  return ((await answer) as unknown[])[0];
}

describe('an op', () => {
  test('can submit tasks and put their results together', async () => {
    mill = await createMill({ threads: 2 });
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => i % 10);
    expect(await mill.run(sumInParts, bytes, { parts: 8 })).toBe(45_000);
  });

  test('can do so from tasks that it submitted, on one thread too', async () => {
    mill = await createMill({ threads: 1 });
    expect(await mill.run(tree, undefined, { depth: 4 })).toBe(81);
  });

  test.each([1, 2])(
    'can do so on %d threads that are to leave, each after a few tasks',
    async (count) => {
      mill = await createMill({ threads: count, recycle: { afterTasks: 3 } });
      expect(await mill.run(tree, undefined, { depth: 3 })).toBe(27);
    },
  );

  test('many can do so at once', async () => {
    mill = await createMill({ threads: 2 });
    const trees = Array.from({ length: 20 }, () => mill.run(tree, undefined, { depth: 3 }));
    expect(await Promise.all(trees)).toEqual(Array.from({ length: 20 }, () => 27));
  });

  test('sees the error of a task that it submitted', async () => {
    mill = await createMill({ threads: 2 });
    expect(await mill.run(failInside)).toEqual({
      code: 'ERR_OP_FAILED',
      message: 'Op "refuse" failed: not like this',
      causeCode: 'E_LIKE_THIS',
    });
  });

  test('that holds the only permit for large operations can have a large one done', async () => {
    mill = await createMill({ threads: 2, maxConcurrentLargeOps: 1 });
    const bytes = new Uint8Array(1_000_000).fill(1);
    expect(await mill.run(largeInLarge, bytes)).toBe(1_000_000);
  });

  test('that submits more than there are threads for has more started', async () => {
    mill = await createMill({ threads: 3, minThreads: 1 });
    expect(await mill.run(meetInside, undefined, { count: 3 })).toEqual([3, 3, 3]);
  });

  test('that dies over what it submitted leaves nothing behind', async () => {
    mill = await createMill({ threads: 2 });
    await expect(mill.run(dieOverChildren)).rejects.toMatchObject({ code: 'ERR_WORKER_DIED' });
    await until(() => mill.stats().threads.length === 2 && mill.stats().slices.live === 0);
    expect(await mill.run(tree, undefined, { depth: 3 })).toBe(27);
  });
});

test('threads that die one after the other are no sign of illness while tasks of others are finished', async () => {
  mill = await createMill({ threads: 2, maxDeathsInARow: 3 });
  for (let round = 0; round < 5; round++) {
    await expect(mill.run(dieOverChildren)).rejects.toMatchObject({ code: 'ERR_WORKER_DIED' });
  }
  expect(mill.stats().health).toBe('ok');
});

describe('a thread of the user’s own', () => {
  test('submits tasks by a handle, and gets their results and errors', async () => {
    mill = await createMill({ threads: 2 });
    const thread = startThread();
    expect(await ask(thread, { act: 'sums', count: 1000 })).toBe(true);
    expect(await ask(thread, { act: 'describe' })).toEqual({
      label: 'from outside',
      sizes: new Map([['bytes', 12]]),
      big: 7n,
    });
    expect(await ask(thread, { act: 'refuse' })).toEqual({
      code: 'ERR_OP_FAILED',
      message: 'Op "refuse" failed: not like this',
    });
    expect(await ask(thread, { act: 'slice' })).toBe(50_000);
  });

  test('does so beside others, and beside the mill’s own thread', async () => {
    mill = await createMill({ threads: 2 });
    const askers = [startThread(), startThread(), startThread()];
    const own = Array.from({ length: 500 }, (_, i) =>
      mill.run(describeOp, new Uint8Array(i), { label: `${i}` }),
    );
    const sums = await Promise.all(
      askers.map((thread) => ask(thread, { act: 'sums', count: 2000 })),
    );
    expect(sums).toEqual([true, true, true]);
    expect((await Promise.all(own)).map(({ label }) => label)).toEqual(own.map((_, i) => `${i}`));
  });

  test('has threads started where there are none, again and again', async () => {
    mill = await createMill({ threads: 2, minThreads: 0, idleTimeoutMs: 50 });
    const thread = startThread();
    for (let round = 0; round < 4; round++) {
      expect(await ask(thread, { act: 'sums', count: 1 + round })).toBe(true);
      await whole(mill, 0);
    }
  });

  test('has more threads started where all are busy', async () => {
    mill = await createMill({ threads: 4, minThreads: 1, idleTimeoutMs: 50 });
    const thread = startThread();
    for (const count of [2, 4, 3, 4]) {
      expect(await ask(thread, { act: 'meet', count })).toEqual(
        Array.from({ length: count }, () => count),
      );
      await whole(mill, 1);
    }
  });

  test('does not wait for large operations with small tasks', async () => {
    mill = await createMill({ threads: 2 });
    const gate = new Gate();
    const large = mill.run(invertChunks, new Uint8Array(1_000_000), { gate: gate.words });
    await gate.reached(2);
    expect(await ask(startThread(), { act: 'sums', count: 100 })).toBe(true);
    gate.open();
    await large;
  });

  test('has more threads started, one by one as it needs them', async () => {
    mill = await createMill({ threads: 4, minThreads: 1, idleTimeoutMs: Infinity });
    const thread = startThread();
    for (const count of [2, 3, 4]) {
      const met = await ask(thread, { act: 'meet', count });
      expect(met).toEqual(Array.from({ length: count }, () => count));
      expect(mill.stats().threads).toHaveLength(count);
    }
  });

  test('that dies leaves no slice behind, and its id to others', async () => {
    mill = await createMill({ threads: 2 });
    for (let round = 0; round < 5; round++) {
      const thread = startThread();
      await ask(thread, { act: 'flood' });
      await thread.terminate();
      const { registry, thread: own } = mill.buffers;
      await until(() => registry.stats().alive.length === 3 && registry.stats().dead.length === 0);
      expect(registry.stats().alive).toContain(own);
    }
    await until(() => mill.stats().slices.live === 0);
  });

  test('that closes its branch can submit no more, while the mill goes on', async () => {
    mill = await createMill({ threads: 2 });
    const thread = startThread();
    await ask(thread, { act: 'sums', count: 10 });
    expect(await ask(thread, { act: 'close' })).toBe('closed');
    expect(await ask(thread, { act: 'after' })).toBe('ERR_MILL_CLOSED');
    expect(await mill.run(tree, undefined, { depth: 2 })).toBe(9);
  });

  test('is refused when the mill has closed', async () => {
    mill = await createMill({ threads: 2 });
    const thread = startThread();
    await ask(thread, { act: 'sums', count: 10 });
    await mill.close();
    expect(await ask(thread, { act: 'after' })).toBe('ERR_MILL_CLOSED');
  });
});
