/** When a mill looks at memory, and when it lets it be. The clock is the test's. */
import { BufferPools, MemoryManager, type MemoryManagerConfig } from '@millrace/core';
import { MemoryWatch } from '@millrace/workers/internal';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const MiB = 2 ** 20;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

function watched(config: MemoryManagerConfig = {}) {
  const pools = BufferPools.create({ memory: 8 * MiB }, 0, { onRenewal: () => {} });
  const reading = { source: 'probe', usedBytes: 0, limitBytes: 100 * MiB };
  const memory = new MemoryManager(pools, config, [() => reading]);
  const work = { going: false };
  const watch = new MemoryWatch(memory, () => work.going);
  const sample = vi.spyOn(memory, 'sample');
  const relieve = vi.spyOn(memory, 'relieve');
  const rest = vi.spyOn(memory, 'rest');
  return { pools, reading, memory, work, watch, sample, relieve, rest };
}

test('a mill that was never used has no timer', () => {
  const { sample } = watched();
  expect(vi.getTimerCount()).toBe(0);
  expect(sample).not.toHaveBeenCalled();
});

test('while there is work, memory is sampled and relieved as often as the settings say', () => {
  const { watch, work, sample, relieve } = watched({ sampleEveryMs: 100 });
  watch.used();
  work.going = true;
  vi.advanceTimersByTime(99);
  expect(sample).not.toHaveBeenCalled();
  vi.advanceTimersByTime(901);
  expect(sample).toHaveBeenCalledTimes(10);
  expect(relieve).toHaveBeenCalledTimes(10);
  expect(vi.getTimerCount()).toBe(1);
});

test('when work is over memory is kept for its lifetime, then goes back, and no timer is left', () => {
  const { pools, watch, rest } = watched({ sampleEveryMs: 100, bufferLifetimeMs: 5000 });
  watch.used();
  pools.acquire(MiB).release();
  vi.advanceTimersByTime(5100);
  expect(rest).not.toHaveBeenCalled();
  expect(pools.openBytes).toBe(4 * MiB);
  vi.advanceTimersByTime(100);
  expect(rest).toHaveBeenCalledTimes(1);
  expect(pools.openBytes).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('work that comes before its lifetime is over keeps memory, and is sampled in time', () => {
  const { watch, rest, sample } = watched({ sampleEveryMs: 100, bufferLifetimeMs: 5000 });
  watch.used();
  vi.advanceTimersByTime(4000);
  const before = sample.mock.calls.length;
  watch.used();
  vi.advanceTimersByTime(100);
  expect(sample).toHaveBeenCalledTimes(before + 1);
  vi.advanceTimersByTime(4900);
  expect(rest).not.toHaveBeenCalled();
  vi.advanceTimersByTime(300);
  expect(rest).toHaveBeenCalledTimes(1);
});

test('who asks for the pressure has it sampled from then on', () => {
  const { memory, sample } = watched({ sampleEveryMs: 100, bufferLifetimeMs: 1000 });
  for (let i = 0; i < 5; i++) {
    expect(memory.pressure).toBe('normal');
    vi.advanceTimersByTime(100);
    expect(sample).toHaveBeenCalledTimes(i + 1);
  }
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
  expect(memory.pressure).toBe('normal');
  expect(vi.getTimerCount()).toBe(1);
});

test('when memory is short and nobody works, all goes back at once, and it is looked until that is over', () => {
  const { pools, reading, memory, watch, work, rest } = watched({ sampleEveryMs: 100 });
  const told: string[] = [];
  memory.onPressure(({ pressure }) => void told.push(pressure));
  pools.acquire(MiB).release();
  watch.used();
  work.going = true;
  reading.usedBytes = 85 * MiB;
  vi.advanceTimersByTime(100);
  expect(told).toEqual(['elevated']);
  work.going = false;
  vi.advanceTimersByTime(100);
  expect(rest).toHaveBeenCalledTimes(1);
  expect(pools.openBytes).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(rest.mock.calls.length).toBeLessThanOrEqual(13);
  reading.usedBytes = 0;
  vi.advanceTimersByTime(5000);
  expect(told).toEqual(['elevated', 'normal']);
  expect(vi.getTimerCount()).toBe(0);
});

test('a level that was left standing is looked at as soon as there is work', () => {
  const { reading, memory, watch, work } = watched({ sampleEveryMs: 60_000 });
  watch.used();
  work.going = true;
  reading.usedBytes = 99 * MiB;
  vi.advanceTimersByTime(60_000);
  work.going = false;
  vi.advanceTimersByTime(60_000);
  reading.usedBytes = 0;
  expect(memory.pressure).toBe('critical');
  vi.advanceTimersByTime(1);
  expect(memory.pressure).toBe('normal');
});

test('what lives for ever is never given back, and needs no timer', () => {
  const { pools, watch } = watched({ sampleEveryMs: 100, bufferLifetimeMs: Infinity });
  watch.used();
  pools.acquire(MiB).release();
  vi.advanceTimersByTime(1e6);
  expect(pools.openBytes).toBe(4 * MiB);
  expect(vi.getTimerCount()).toBe(0);
});

test('a watch that has stopped stays so', () => {
  const { memory, watch, work } = watched();
  work.going = true;
  watch.used();
  watch.stop();
  watch.used();
  expect(memory.pressure).toBe('normal');
  expect(vi.getTimerCount()).toBe(0);
});

test('memory is pre-allocated step by step, the loop turning in between', () => {
  const { memory, watch } = watched({ allocationStrategy: 'pre-allocate' });
  watch.prepare();
  expect(memory.usage().preallocatedBytes).toBeLessThan(8 * MiB);
  vi.advanceTimersByTime(10_000);
  expect(memory.usage().preallocatedBytes).toBe(8 * MiB);
  expect(vi.getTimerCount()).toBe(0);
});
