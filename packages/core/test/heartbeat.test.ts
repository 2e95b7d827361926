import { HeartbeatWatch } from '@millrace/core';
import { expect, test } from 'vitest';
import { OWNER, createTable, join } from './memory.ts';
import { codeOf } from './thrown.ts';

const table = createTable(1);

function start(silentMs = 100) {
  const clock = { nowMs: 1000 };
  const watcher = join(table);
  const { registry } = watcher;
  const watch = new HeartbeatWatch(registry, { silentMs, now: () => clock.nowMs });
  // Nobody is left from the test before.
  for (const id of registry.stats().alive) {
    if (id !== watcher.thread) watcher.sweep(id, OWNER);
  }
  return { clock, watch, watcher, registry };
}

test('a thread is silent when it has not beaten for as long as was said, and not before', () => {
  const { clock, watch, watcher, registry } = start();
  const one = join(table).thread;
  registry.beat(one);
  expect(watch.silent(), 'all are heard when they are first seen').toEqual([]);
  clock.nowMs += 99;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([]);
  clock.nowMs += 1;
  expect(watch.silent()).toEqual([one]);
  clock.nowMs += 99;
  expect(watch.silent()).toEqual([one, watcher.thread].sort((a, b) => a - b));
});

test('one beat is enough to be heard again', () => {
  const { clock, watch, registry, watcher } = start();
  const one = join(table).thread;
  watch.silent();
  clock.nowMs += 500;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([one]);
  registry.beat(one);
  expect(watch.silent()).toEqual([]);
  clock.nowMs += 100;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([one]);
});

test('a thread that is swept is spoken of no more, and who has its id next begins anew', () => {
  const { clock, watch, registry, watcher } = start();
  const one = join(table).thread;
  watch.silent();
  clock.nowMs += 500;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([one]);
  watcher.sweep(one, OWNER);
  expect(watch.silent()).toEqual([]);
  expect(join(table).thread).toBe(one);
  clock.nowMs += 50;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([]);
});

test('a thread that was buried is not silent but dead', () => {
  const { clock, watch, registry, watcher } = start();
  const one = join(table).thread;
  watch.silent();
  registry.bury(one, OWNER);
  clock.nowMs += 500;
  registry.beat(watcher.thread);
  expect(watch.silent()).toEqual([]);
});

test.each([0, -1, NaN, 'soon', undefined])('a silence of %s ms is refused', (silentMs) => {
  const { registry } = join(table);
  const make = (): unknown => new HeartbeatWatch(registry, { silentMs: silentMs as number });
  expect(codeOf(make)).toBe('ERR_INVALID_ARG');
  expect(make).toThrow(/"silentMs".*positive/);
});
