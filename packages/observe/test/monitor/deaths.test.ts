/** Threads that are ended in the middle of what they do: nothing of them stays, and every event is counted. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  BufferAlerting,
  BufferAnalyzer,
  BufferMonitor,
  type BufferCollector,
  type MonitoredEvent,
} from '@millrace/observe';
import { BufferPools } from '@millrace/core';
import { expect, onTestFinished, test } from 'vitest';
import { MiB } from './memory.ts';

/** The uses that go on, by what a collector is told. */
class Open implements BufferCollector {
  readonly ids = new Set<number>();
  told = 0;

  collectEvent({ eventType, bufferId }: MonitoredEvent): void {
    this.told++;
    if (eventType === 'retrieved') this.ids.add(bufferId);
    if (eventType === 'returned' || eventType === 'destroyed') this.ids.delete(bufferId);
  }

  metrics(): object {
    return { open: this.ids.size };
  }

  reset(): void {
    this.ids.clear();
  }
}

function watched(pools: BufferPools) {
  const open = new Open();
  const analyzer = new BufferAnalyzer();
  const told: string[] = [];
  const alerting = new BufferAlerting({
    cooldownMs: 0,
    // On a busy machine a thread may have to wait for a while with a small one in its hands.
    handlers: [({ class: of, state }) => void (of === 'large' && told.push(state))],
  });
  const clock = { ms: performance.timeOrigin + performance.now() };
  const monitor = new BufferMonitor({
    collectors: [open],
    analyzer,
    alerting,
    eventsPerThread: 64,
    pollMs: 2 ** 30,
    nowMs: () => clock.ms,
  });
  onTestFinished(() => monitor.close());
  monitor.follow(pools);
  monitor.start();
  const nextInterval = (): void => {
    clock.ms += 1000;
    monitor.poll();
  };
  return { open, analyzer, told, monitor, nextInterval };
}

async function startThread(
  monitor: BufferMonitor,
  pools: BufferPools,
  owner: number,
  quiet = false,
  lost = 1,
) {
  const thread = pools.registry.register(owner);
  const workerData = { monitor: monitor.handle, pools: pools.handle, thread, quiet, lost };
  const worker = new Worker(new URL('./busy-thread.mjs', import.meta.url), {
    workerData,
    execArgv: [],
  });
  onTestFinished(async () => void (await worker.terminate()));
  await once(worker, 'message');
  return { thread, worker };
}

test('a thread that dies leaves nothing behind that is in use, and no event uncounted', async () => {
  const pools = BufferPools.create({ memory: 64 * MiB }, 0);
  const { open, analyzer, told, monitor, nextInterval } = watched(pools);
  const numbers = new Set<number>();
  for (let life = 1; life <= 10; life++) {
    const { thread, worker } = await startThread(monitor, pools, life);
    numbers.add(thread);
    // Its leak has been told of, and its ring written over more than once.
    while (told.length < 2 * life - 1 || monitor.stats().written < life * 1000) {
      nextInterval();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(monitor.stats().threads).toBe(1);
    expect(monitor.lastSample!.classes.large.inUse).toBe(1);
    await worker.terminate();
    expect(monitor.stats().threads).toBe(1); // Its memory is not back yet.
    expect(pools.sweep(thread, life)).toBeGreaterThanOrEqual(1);
    expect(monitor.stats().threads).toBe(0);

    nextInterval();
    const { classes, memoryUsage } = monitor.lastSample!;
    expect([memoryUsage, classes.small.inUse, classes.large.inUse]).toEqual([0, 0, 0]);
    expect([...open.ids]).toEqual([]);
    const { written, read, dropped, pending } = monitor.stats();
    expect(pending).toBe(0);
    expect(read + dropped).toBe(written);
  }
  expect([...numbers]).toHaveLength(1);
  expect(told).toEqual(Array.from({ length: 10 }, () => ['raised', 'resolved']).flat());
  // One use a life, and each has ended: none goes on, so that a later window knows of none.
  const later = new Date().getTime() + 3 * 3_600_000;
  analyzer.processEvent({ timestampMs: later, type: 'reset', id: 0, class: 'small', size: 1 });
  expect(analyzer.patterns()).toEqual([]);
});

test('a thread that gets the number of one that died has nothing of it', async () => {
  const pools = BufferPools.create({ memory: 64 * MiB }, 0);
  const { open, monitor, nextInterval } = watched(pools);
  const large = (): object => {
    nextInterval();
    const { retrieved, inUse } = monitor.lastSample!.classes.large;
    return { retrieved, inUse };
  };
  const first = await startThread(monitor, pools, 1, true, 3);
  expect(large()).toEqual({ retrieved: 3, inUse: 3 });
  expect(open.ids.size).toBe(3);
  await first.worker.terminate();
  pools.sweep(first.thread, 1);
  // Nobody has looked meanwhile.
  const second = await startThread(monitor, pools, 2, true);
  expect(second.thread).toBe(first.thread);
  await second.worker.terminate();
  expect(large()).toEqual({ retrieved: 1, inUse: 1 });
  expect(open.ids.size).toBe(1);
  pools.sweep(second.thread, 2);
  expect(large()).toEqual({ retrieved: 0, inUse: 0 });
  expect([...open.ids]).toEqual([]);
  // One that comes and goes within an interval.
  const third = await startThread(monitor, pools, 3, true);
  await third.worker.terminate();
  pools.sweep(third.thread, 3);
  expect(large()).toEqual({ retrieved: 1, inUse: 0 });
});

test('a monitor hears of one memory at a time', async () => {
  const [one, other] = [1, 2].map(() => BufferPools.create({ memory: 64 * MiB }, 0));
  const { monitor } = watched(one!);
  const { thread, worker } = await startThread(monitor, one!, 1);
  const follow = (): void => monitor.follow(other!);
  expect(follow).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG' }));
  await worker.terminate();
  one!.sweep(thread, 1);
  expect(follow).not.toThrow();
});
