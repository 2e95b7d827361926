import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createMill, type Mill } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf, failureOf } from './failure.ts';
import { Gate } from './gate.ts';
import type { Counter } from './objects.mjs';
import * as ops from './ops.mjs';
import { expectSound, killAll, killOne, whole } from './threads.ts';
import { until } from './until.ts';

const THREADS = 2;
const url = new URL('objects.mjs', import.meta.url);
let mill: Mill;
let gate: Gate;
beforeEach(async () => {
  mill = await createMill({ threads: THREADS });
  await whole(mill, THREADS);
  gate = new Gate();
});
afterEach(async () => {
  gate.open();
  await whole(mill, THREADS);
  await until(() => mill.stats().threads.every(({ remotes }) => remotes === 0));
  await using object = await counter();
  expect(await object.add(3)).toBe(3);
  expectSound(mill, THREADS);
  await mill.close();
});

const counter = (thread?: number) =>
  mill.remote<Counter>(url, 'Counter', {
    args: [0, gate.words],
    ...(thread !== undefined && { thread }),
  });

describe('when the thread of a remote object dies', () => {
  test('calls under way reject, and so do later ones', async () => {
    const object = await counter();
    const calls = [object.never(), object.never(), object.addLater(1)];
    const outcomes = Promise.allSettled(calls);
    await gate.reached(2);
    await killAll(mill);
    const [first, second] = await outcomes;
    for (const outcome of [first, second]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_WORKER_DIED' } });
    }
    const error = await failureOf(object.add());
    expect(error.code).toBe('ERR_WORKER_DIED');
    expect(error.message).toContain('"Counter"');
    expect(await codeOf(Promise.resolve(object.count))).toBe('ERR_WORKER_DIED');
    await object[Symbol.asyncDispose]();
  });

  test('by what it does itself, too', async () => {
    const object = await counter();
    expect(await codeOf(object.exit())).toBe('ERR_WORKER_DIED');
  });

  test('while it blocks, too', async () => {
    const object = await counter();
    const failure = failureOf(object.block());
    await gate.reached(1);
    await killAll(mill);
    expect((await failure).code).toBe('ERR_WORKER_DIED');
  });

  test('proxies that it has returned reject as well', async () => {
    const object = await counter();
    const child = await object.child(1);
    await object[Symbol.asyncDispose]();
    const failure = failureOf(child.never());
    await gate.reached(1);
    await killAll(mill);
    expect((await failure).code).toBe('ERR_WORKER_DIED');
    expect(await codeOf(child.add())).toBe('ERR_WORKER_DIED');
  });

  test('calls under way reject also when it was to be disposed of after them', async () => {
    const object = await counter();
    const failure = failureOf(object.never());
    await gate.reached(1);
    const disposed = object[Symbol.asyncDispose]();
    expect(await codeOf(object.add())).toBe('ERR_REMOTE_RELEASED');
    await killAll(mill);
    expect((await failure).code).toBe('ERR_WORKER_DIED');
    await disposed;
  });

  test('those of other threads go on', async () => {
    const [first, second] = mill.stats().threads;
    const dying = await counter(first!.id);
    await using living = await counter(second!.id);
    await killOne(mill, 0);
    expect(await codeOf(dying.add())).toBe('ERR_WORKER_DIED');
    expect(await living.add()).toBe(1);
    await dying[Symbol.asyncDispose]();
  });

  test('as it is made, that is told', async () => {
    const failure = failureOf(mill.remote(url, 'Counter', { args: ['exit'] }));
    expect((await failure).code).toBe('ERR_WORKER_DIED');
  });

  test('before it has looked at the request, that is told', async () => {
    const gates = [new Gate(), new Gate()];
    const held = gates.map((one) =>
      failureOf(mill.run(ops.holdInPlace, new Uint8Array(1), { gate: one.words })),
    );
    for (const one of gates) await one.reached(1);
    const failure = failureOf(counter());
    await until(() => mill.stats().threads.some(({ remotes }) => remotes === 1));
    await killAll(mill);
    expect((await failure).code).toBe('ERR_WORKER_DIED');
    await Promise.all(held);
  });

  test('no slice is lost, wherever in a stream of calls it is', async () => {
    for (let round = 0; round < 15; round++) {
      await whole(mill, THREADS);
      const object = await counter();
      const calls = Array.from({ length: 100 }, async (_, i) => {
        using lent = mill.buffers.acquire(100);
        await object.mark(lent, i);
        const { slice } = await object.fresh(100 + i, 1);
        slice.release();
      });
      const outcomes = Promise.allSettled(calls);
      await object.add();
      await killAll(mill);
      for (const outcome of await outcomes) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({ code: 'ERR_WORKER_DIED' });
        }
      }
      await whole(mill, THREADS);
      expect(mill.stats().slices.live).toBe(0);
    }
  });
});

describe('a thread with remote objects', () => {
  test('is not recycled or let go before they are', async () => {
    const small = await createMill({
      threads: 2,
      minThreads: 0,
      idleTimeoutMs: 10,
      recycle: { afterTasks: 1, afterMs: 10 },
    });
    try {
      await using object = await small.remote<Counter>(url, 'Counter');
      const { threadId } = small.stats().threads.find(({ remotes }) => remotes === 1)!;
      for (let i = 0; i < 20; i++) await small.run(ops.later);
      // The other one comes and goes.
      await until(() => small.stats().recycled > 0 || small.stats().threads.length === 1);
      expect(await object.where()).toBe(threadId);
      await object[Symbol.asyncDispose]();
      await until(() => small.stats().threads.every((thread) => thread.threadId !== threadId));
    } finally {
      await small.close();
    }
  });

  test('is started for one where there is none', async () => {
    const none = await createMill({ threads: 1, minThreads: 0 });
    try {
      await using object = await none.remote<Counter>(url, 'Counter');
      expect(await object.add()).toBe(1);
    } finally {
      await none.close();
    }
  });

  test.each([true, false])(
    'is waited for no longer when the mill closes (drain: %s)',
    async (drain) => {
      const none = await createMill({ threads: 1, minThreads: 0 });
      const opening = codeOf(none.remote<Counter>(url, 'Counter'));
      await none.close({ drain });
      expect(await opening).toBe('ERR_MILL_CLOSED');
    },
  );
});

test('remote objects that do nothing keep no process alive', async () => {
  const program = fileURLToPath(new URL('forgotten-remote.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 30_000 });
  expect(stdout).toBe('3\n');
});
