/** The monitor on one thread: what it reads, hands on, counts; on and off; sampled; what throws. */
import {
  BufferAnalyzer,
  BufferMonitor,
  EventCounters,
  LatencyHistograms,
  MonitorTap,
  RecentEvents,
  TraceRecorder,
  readTrace,
  type BufferMonitorOptions,
  type ClassSample,
  type MonitoredEvent,
} from '@millrace/observe';
import { BufferManager, type BufferEvent, type BufferManagerConfig } from '@millrace/core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { managed, tapOf } from './memory.ts';

/** A monitor that runs but is polled by hand: its timer never comes. */
function monitored(options: BufferMonitorOptions = {}, config: BufferManagerConfig = {}) {
  const { clock, manager, pools } = managed(config);
  const monitor = new BufferMonitor({
    sampleEvery: 1,
    pollMs: 2 ** 30,
    nowMs: clock.nowMs,
    ...options,
  });
  onTestFinished(() => monitor.close());
  monitor.watch(manager);
  return { clock, manager, monitor, pools };
}

const event: BufferEvent = {
  eventType: 'retrieved',
  bufferId: 2 ** 40 + 1,
  size: 5_000_000_000,
  class: 'large',
  timestamp: 1.5,
  durationMs: 0.25,
  success: true,
};

test('every field of an event arrives', () => {
  const recent = new RecentEvents();
  const monitor = new BufferMonitor({ collectors: [recent], pollMs: 2 ** 30, sampleEvery: 1 });
  onTestFinished(() => monitor.close());
  const tap = tapOf(monitor);
  monitor.start();
  const tag = 'uploads ✓ of more than 32 characters';
  tap.record(event);
  tap.record({ ...event, eventType: 'leak', class: 'huge', metadata: new Map([['tag', tag]]) });
  tap.record({
    ...event,
    success: false,
    error: Object.assign(new Error('no'), { name: 'RangeError' }),
  });
  monitor.poll();
  expect(recent.metrics().events).toEqual([
    { ...event, thread: 1, weight: 1 },
    {
      ...event,
      eventType: 'leak',
      class: 'huge',
      metadata: new Map([['tag', tag.slice(0, 32)]]),
      thread: 1,
      weight: 1,
    },
    { ...event, success: false, error: 'RangeError', thread: 1, weight: 1 },
  ]);
});

test('what a manager does reaches collectors and the analyser', () => {
  const counters = new EventCounters();
  const latency = new LatencyHistograms();
  const analyzer = new BufferAnalyzer();
  const { clock, manager, monitor } = monitored({ collectors: [counters, latency], analyzer });
  monitor.start();
  for (let n = 0; n < 10; n++) {
    const buffer = manager.getBuffer(1000, { tag: 'work' });
    clock.ms += 5;
    buffer.release();
  }
  monitor.poll();
  const none = { resized: 0, destroyed: 0, corruption: 0, leak: 0 };
  expect(counters.metrics()).toEqual({
    events: { allocated: 1, retrieved: 10, returned: 10, reset: 10, ...none },
    classes: { small: 31, medium: 0, large: 0, huge: 0 },
    failed: 0,
    bytes: 10_000,
  });
  expect(latency.metrics().returned).toMatchObject({ count: 10, maxMs: 5 });
  expect(latency.metrics().returned!.p50Ms).toBeCloseTo(5, 0);
  expect(analyzer.patterns()).toMatchObject([
    { class: 'small', averageSize: 1000, lifetimeMeanMs: 5 },
    { class: 'small', averageSize: 1000 },
  ]);
  expect(monitor.stats()).toMatchObject({ written: 31, read: 31, dropped: 0, pending: 0 });

  counters.reset();
  latency.reset();
  expect(counters.metrics()).toMatchObject({ failed: 0, bytes: 0, classes: { small: 0 } });
  expect(latency.metrics()).toEqual({});
});

test('what does not fit is dropped, and counted exactly', () => {
  const seen: MonitoredEvent[] = [];
  const collector = {
    collectEvent: (each: MonitoredEvent) => void seen.push(each),
    metrics: () => seen,
    reset: () => {},
  };
  const { monitor } = monitored({ eventsPerThread: 8, collectors: [collector] });
  const tap = tapOf(monitor);
  monitor.start();
  for (let n = 0; n < 20; n++) tap.record({ ...event, bufferId: n });
  expect(monitor.stats()).toMatchObject({ written: 20, read: 0, pending: 20 });
  monitor.poll();
  const { written, read, dropped, pending } = monitor.stats();
  expect(written).toBe(20);
  expect(read).toBe(seen.length);
  expect(read + dropped + pending).toBe(written);
  // Reading goes on in the middle of what the ring still holds.
  expect(seen.map(({ bufferId }) => bufferId)).toEqual([16, 17, 18, 19]);
  expect(dropped).toBe(16);
});

test('a monitor that is off is told nothing, and goes on where it was started again', () => {
  const { manager, monitor } = monitored();
  manager.getBuffer(1).release();
  expect(monitor.stats()).toMatchObject({ running: false, written: 0 });
  monitor.start();
  monitor.start();
  expect(monitor.running).toBe(true);
  // Whether it runs is looked at again after 1024 uses at most.
  for (let n = 0; n <= 1024; n++) manager.getBuffer(1).release();
  const { written } = monitor.stats();
  expect(written).toBeGreaterThan(0);
  monitor.stop();
  monitor.stop();
  expect(monitor.stats()).toMatchObject({ running: false, pending: 0 });
  for (let n = 0; n < 100; n++) manager.getBuffer(1).release();
  expect(monitor.stats().written).toBe(written);
});

test('one use in so many is told of, and stands for them; what is wrong is told anyway', () => {
  const counters = new EventCounters();
  const { manager, monitor } = monitored({ sampleEvery: 10, collectors: [counters] });
  monitor.start();
  for (let n = 0; n < 10_000; n++) manager.getBuffer(1).release();
  const bad = manager.getBuffer(1);
  bad.markCorrupted();
  bad.release();
  monitor.poll();
  const { events } = counters.metrics();
  expect(monitor.stats().written).toBeLessThan(4096);
  expect(events.retrieved).toBeGreaterThan(8500);
  expect(events.retrieved).toBeLessThan(11_500);
  expect(events.corruption).toBe(1);

  monitor.sampleEvery = 1;
  counters.reset();
  for (let n = 0; n < 1000; n++) manager.getBuffer(1).release();
  monitor.poll();
  // All but those before the next that was to be told anyway.
  expect(counters.metrics().events.retrieved).toBeGreaterThan(980);
});

test('one use in 256 is told of unless something else is said, or an analyser wants all', () => {
  expect(new BufferMonitor().sampleEvery).toBe(256);
  expect(new BufferMonitor({ analyzer: new BufferAnalyzer() }).sampleEvery).toBe(1);
  expect(new BufferMonitor({ analyzer: new BufferAnalyzer(), sampleEvery: 8 }).sampleEvery).toBe(8);
});

test('the return of what leaked stands for itself, as it is told of anyway', () => {
  const counters = new EventCounters();
  const { clock, manager, monitor } = monitored(
    { sampleEvery: 2 ** 30, collectors: [counters] },
    { leakAfterMs: 1 },
  );
  monitor.start();
  const lost = [1, 2, 3].map(() => manager.getBuffer(1));
  clock.ms += 1000;
  monitor.poll();
  for (const buffer of lost) buffer.release();
  monitor.poll();
  expect(counters.metrics().events).toMatchObject({ allocated: 3, leak: 3, returned: 3 });
});

test('a collector that throws harms no other, and is counted', () => {
  const counters = new EventCounters();
  const broken = {
    collectEvent() {
      throw new Error('broken');
    },
    metrics: () => ({}),
    reset: () => {},
  };
  const { manager, monitor } = monitored({ collectors: [broken] });
  const end = monitor.addCollector(counters);
  monitor.start();
  manager.getBuffer(1);
  monitor.poll();
  expect(counters.metrics().events.retrieved).toBe(1);
  expect(monitor.stats().collectorErrors).toBe(2);
  end();
  manager.getBuffer(1);
  monitor.poll();
  expect(counters.metrics().events.retrieved).toBe(1);
});

test('a trace recorder is a collector', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-monitor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const recorder = await TraceRecorder.open(join(folder, 'trace.json'));
  const { manager, monitor } = monitored({ collectors: [recorder] });
  monitor.start();
  manager.getBuffer(100, { tag: 'a' }).release();
  monitor.poll();
  await recorder.close();
  const trace = await readTrace(join(folder, 'trace.json'));
  expect([...trace].map(({ type, size, tag }) => [type, size, tag])).toEqual([
    ['allocated', 4096, undefined],
    ['retrieved', 100, 'a'],
    ['returned', 100, 'a'],
    ['reset', 100, undefined],
  ]);
});

test('recent events are the latest, oldest first', () => {
  const recent = new RecentEvents(3);
  const at = (timestamp: number): MonitoredEvent => ({ ...event, timestamp, thread: 0, weight: 1 });
  for (const timestamp of [1, 2]) recent.collectEvent(at(timestamp));
  expect(recent.metrics().events.map(({ timestamp }) => timestamp)).toEqual([1, 2]);
  for (const timestamp of [3, 4, 5]) recent.collectEvent(at(timestamp));
  expect(recent.metrics().events.map(({ timestamp }) => timestamp)).toEqual([3, 4, 5]);
  recent.reset();
  expect(recent.metrics().events).toEqual([]);
});

test('a sample is what came since the one before, and how it stood at its end', () => {
  const config = {
    allocationStrategy: 'pooled',
    pools: { small: { maxSize: 3, validateOnGet: false } },
  } as const;
  const { clock, manager, monitor } = monitored({ intervalMs: 1000 }, config);
  manager.getBuffer(1).release(); // is of the first sample, as it is watched already
  monitor.start();
  monitor.poll();
  expect(monitor.lastSample).toBeUndefined();
  const held = [manager.getBuffer(1), manager.getBuffer(1)];
  manager.getBuffer(1).release();
  clock.ms += 1000;
  monitor.poll();
  expect(monitor.lastSample).toMatchObject({
    timestampMs: clock.ms,
    classes: {
      small: {
        retrieved: 4,
        hits: 1,
        returned: 2,
        inUse: 2,
        recentPeak: 3,
        failed: 0,
        pools: 1,
        bufferSize: 4096,
        maxSize: 3,
        validateOnGet: false,
        validateOnPut: true,
      },
      huge: { retrieved: 0, bufferSize: 4 * 1024 * 1024, maxSize: 64 },
    },
  });
  expect(monitor.lastSample!.memoryUsage).toBe(manager.metrics().totalMemoryUsage);
  held[0]!.release();
  clock.ms += 1000;
  monitor.poll();
  expect(monitor.lastSample!.classes.small).toMatchObject({ retrieved: 0, returned: 1, inUse: 1 });
  expect(monitor.stats().samples).toBe(2);
});

test.each([
  { threads: -1 },
  { eventsPerThread: 1000 },
  { sampleEvery: 0 },
  { intervalMs: 0 },
  { pollMs: Number.NaN },
])('%j cannot be', (options) => {
  expect(() => new BufferMonitor(options)).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
  );
});

test('figures come with the upkeep of the managers, however few uses are told of', () => {
  const { clock, manager, pools } = managed();
  const monitor = new BufferMonitor({
    sampleEvery: 2 ** 30,
    pollMs: 2 ** 30,
    nowMs: clock.nowMs,
  });
  onTestFinished(() => monitor.close());
  monitor.start();
  tapOf(monitor, pools).watch(manager);
  for (let n = 0; n < 100; n++) manager.getBuffer(1).release();
  clock.ms += 1000;
  manager.getBuffer(1).release();
  monitor.poll();
  expect(monitor.lastSample!.classes.small.retrieved).toBeGreaterThanOrEqual(100);
});

test('a thread of which the monitor has no stripe is told', () => {
  expect(() => tapOf(new BufferMonitor({ threads: 0 }))).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
  );
});

test('a thread has one way into a monitor, and may have none', () => {
  const { pools } = managed();
  const monitor = new BufferMonitor();
  expect(tapOf(monitor, pools)).toBe(tapOf(monitor, pools));
  expect(MonitorTap.attach({ monitor: undefined, buffers: pools })).toBeUndefined();
  expect(() => MonitorTap.attach({ monitor: {}, buffers: pools })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG' }),
  );
});

test('several managers of a thread are heard, and add up', () => {
  const { clock, manager, monitor, pools } = monitored({}, { allocationStrategy: 'pooled' });
  const other = new BufferManager(pools, { allocationStrategy: 'pooled' }, clock);
  for (let n = 0; n < 5; n++) other.getBuffer(1).release(); // before it was watched
  monitor.watch(other);
  monitor.start();
  const held = [manager.getBuffer(1), other.getBuffer(1)];
  for (let n = 0; n < 3; n++) other.getBuffer(1).release();
  const small = (): ClassSample => {
    clock.ms += 1000;
    monitor.poll();
    return monitor.lastSample!.classes.small;
  };
  expect(small()).toMatchObject({ retrieved: 5, returned: 3, inUse: 2, pools: 2 });
  for (const buffer of held) buffer.release();
  expect(small()).toMatchObject({ retrieved: 0, returned: 2, inUse: 0, pools: 2 });
});
