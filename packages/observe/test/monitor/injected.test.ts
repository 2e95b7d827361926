/** Leaks, corruption and exhaustion of a real manager: the alert comes with the interval's end, once, and is over after. */
import { BufferAlerting, BufferMonitor, type BufferAlert } from '@millrace/observe';
import { MillraceError, type BufferManagerConfig, type ManagedBuffer } from '@millrace/core';
import { expect, onTestFinished, test } from 'vitest';
import { MiB, managed, tapOf } from './memory.ts';

function watched(config: BufferManagerConfig, memory = 32 * MiB) {
  const { clock, manager } = managed(config, { memory });
  const told: BufferAlert[] = [];
  const alerting = new BufferAlerting({
    handlers: [(alert) => void told.push(alert)],
  });
  const monitor = new BufferMonitor({ alerting, pollMs: 2 ** 30, nowMs: clock.nowMs });
  onTestFinished(() => monitor.close());
  monitor.watch(manager);
  monitor.start();
  const nextInterval = (): void => {
    clock.ms += 1000;
    monitor.poll();
  };
  nextInterval();
  expect(told).toEqual([]);
  return { clock, manager, told, nextInterval };
}

test('a leak is told within one interval, once, and is over when the buffer is back', () => {
  const { manager, told, nextInterval } = watched({ leakAfterMs: 2500 });
  const leaked = manager.getBuffer(10_000, { tag: 'lost' });
  nextInterval();
  nextInterval();
  expect(told).toEqual([]); // 2000 ms are no leak
  nextInterval();
  expect(told).toMatchObject([
    {
      type: 'buffer-leak',
      class: 'medium',
      severity: 'critical',
      state: 'raised',
      metrics: { value: 1, leaked: 1, inUse: 1, longestHeldMs: 3000 },
      suggestions: [
        'Release the 1 buffers of class medium that are held, or set "leakAfterMs" to 6000 if they are to be held so long',
      ],
    },
  ]);
  nextInterval();
  nextInterval();
  expect(told).toHaveLength(1);
  leaked.release();
  nextInterval();
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ type: 'buffer-leak', class: 'medium', state: 'resolved' });
});

test('corruption is told within one interval, once, and is over when buffers are fit again', () => {
  const { manager, told, nextInterval } = watched({
    pools: { small: { validateOnGet: false } },
  });
  for (let interval = 0; interval < 3; interval++) {
    for (let n = 0; n < 100; n++) {
      const buffer = manager.getBuffer(100);
      if (n < 2) buffer.markCorrupted();
      buffer.release();
    }
    nextInterval();
    expect(told).toHaveLength(1);
  }
  expect(told[0]).toMatchObject({
    type: 'corruption',
    class: 'small',
    severity: 'critical',
    state: 'raised',
    metrics: { value: 0.02, corrupted: 2, returned: 100 },
    suggestions: [
      'Set "pools.small.validateOnGet" to true',
      expect.stringContaining('Set "safety" of the pools to "full"') as string,
    ],
  });
  for (let n = 0; n < 100; n++) manager.getBuffer(100).release();
  nextInterval();
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ type: 'corruption', class: 'small', state: 'resolved' });
});

test('exhaustion is told within one interval, once, and is over when there is memory again', () => {
  const { manager, told, nextInterval } = watched({ allocationStrategy: 'pooled' }, 8 * MiB);
  const held: ManagedBuffer[] = [];
  const failures: unknown[] = [];
  const getOne = (): void => {
    try {
      held.push(manager.getBuffer(MiB));
    } catch (error) {
      failures.push(error);
    }
  };
  for (let n = 0; n < 10; n++) getOne();
  expect(failures).toHaveLength(2);
  expect(failures[0]).toBeInstanceOf(MillraceError);
  nextInterval();
  expect(told).toMatchObject([
    {
      type: 'exhaustion',
      class: 'large',
      severity: 'critical',
      state: 'raised',
      metrics: { value: 2, failed: 2, inUse: 8 },
      suggestions: [
        'Raise "memory" of the pools by 2097152 bytes or more: 2 gets of class large found none',
      ],
    },
  ]);
  getOne();
  nextInterval();
  expect(told).toHaveLength(1);
  for (const buffer of held.splice(0)) buffer.release();
  getOne();
  nextInterval();
  expect(told).toHaveLength(2);
  expect(told[1]).toMatchObject({ type: 'exhaustion', class: 'large', state: 'resolved' });
  expect(failures).toHaveLength(3);
});

test('what is wrong in another thread is told within one interval, if nothing else happens there', () => {
  const { clock, manager, pools } = managed();
  const alerting = new BufferAlerting();
  const monitor = new BufferMonitor({ alerting, pollMs: 2 ** 30, nowMs: clock.nowMs });
  onTestFinished(() => monitor.close());
  monitor.start();
  tapOf(monitor, pools).watch(manager);
  const bad = manager.getBuffer(100_000);
  bad.markCorrupted();
  bad.release();
  clock.ms += 1000;
  monitor.poll();
  expect(alerting.active()).toMatchObject([{ type: 'corruption', class: 'large' }]);
});
