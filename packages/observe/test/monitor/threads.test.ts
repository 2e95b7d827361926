/** The monitor and real threads: exact counts while threads write faster than it reads; figures and alerts of all of them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { BufferAlerting, BufferMonitor, EventCounters } from '@millrace/observe';
import { BufferPools, type ThreadId } from '@millrace/core';
import { expect, onTestFinished, test } from 'vitest';
import { MiB } from './memory.ts';

interface Result {
  readonly told: number;
  readonly statistics: { readonly buffersRetrieved: number; readonly hits: number };
}

test('events of three threads, faster than they are read: each is read or counted as dropped', async () => {
  const counters = new EventCounters();
  const told: [string, string | undefined, string][] = [];
  const alerting = new BufferAlerting({
    handlers: [({ type, class: of, state }) => void told.push([type, of, state])],
  });
  let nowMs = 0;
  const monitor = new BufferMonitor({
    sampleEvery: 1,
    eventsPerThread: 256,
    collectors: [counters],
    alerting,
    pollMs: 2 ** 30,
    nowMs: () => nowMs,
  });
  onTestFinished(() => monitor.close());
  monitor.start();
  const pools = BufferPools.create({ memory: 64 * MiB }, 0);
  monitor.follow(pools);
  const uses = 30_000;
  const threads: ThreadId[] = [];
  let running = 0;
  const run = async (at: number): Promise<Result> => {
    const thread = pools.registry.register(at);
    threads.push(thread);
    const workerData = {
      handle: monitor.handle,
      pools: pools.handle,
      thread,
      uses,
      leak: at === 1,
    };
    const worker = new Worker(new URL('./thread.mjs', import.meta.url), {
      workerData,
      execArgv: [],
    });
    running++;
    worker.once('exit', () => running--);
    const [result] = (await once(worker, 'message')) as [Result];
    return result;
  };
  const results = Promise.all([1, 2, 3].map(run));
  let polledBusy = 0;
  while (running > 0) {
    monitor.poll();
    if (monitor.stats().read > 0) polledBusy++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const done = await results;
  monitor.poll();

  const { written, read, dropped, pending } = monitor.stats();
  expect(written).toBe(done.reduce((sum, result) => sum + result.told, 0));
  expect(pending).toBe(0);
  expect(read + dropped).toBe(written);
  expect(polledBusy).toBeGreaterThan(0);
  const { events } = counters.metrics();
  expect(Object.values(events).reduce((sum, count) => sum + count, 0)).toBe(read);

  // Figures lose nothing, however many events were dropped.
  nowMs += 1000;
  monitor.poll();
  const { small } = monitor.lastSample!.classes;
  const sum = (of: (result: Result) => number): number => done.map(of).reduce((a, b) => a + b);
  expect(small.retrieved).toBe(sum(({ statistics }) => statistics.buffersRetrieved));
  expect(small.hits).toBe(sum(({ statistics }) => statistics.hits));
  expect(small.pools).toBe(3);
  expect(told).toEqual([['buffer-leak', 'large', 'raised']]);

  // The threads have ended, and the leak goes with them as soon as their memory is back.
  expect(monitor.stats().threads).toBe(3);
  for (const [at, thread] of threads.entries()) pools.sweep(thread, at + 1);
  expect(monitor.stats().threads).toBe(0);
  nowMs += 1000;
  monitor.poll();
  expect(monitor.lastSample!.classes.small.pools).toBe(0);
  expect(told).toEqual([
    ['buffer-leak', 'large', 'raised'],
    ['buffer-leak', 'large', 'resolved'],
  ]);
});
