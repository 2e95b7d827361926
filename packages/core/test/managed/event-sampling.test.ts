/** Events of some uses of buffers: each of them whole, as many as was asked for, and none of what is wrong left out. */
import { BufferManager, BufferPools, type BufferEvent } from '@millrace/core';
import { expect, test } from 'vitest';
import { OWNER } from '../memory.ts';
import { HandClock, Workshop } from './workshop.ts';

function make() {
  const pools = BufferPools.create({ memory: 32 * 1024 * 1024 }, OWNER);
  const clock = new HandClock();
  const factory = new Workshop();
  const config = { leakAfterMs: 1000 };
  const manager = new BufferManager(pools, config, { nowMs: clock.nowMs, factory });
  const events: BufferEvent[] = [];
  const sink = (event: BufferEvent): void => void events.push(event);
  const types = (): string[] => events.map(({ eventType }) => eventType);
  return { manager, clock, factory, events, sink, types };
}

test('one use in so many is told of, from its beginning to its end', () => {
  const { manager, events, sink } = make();
  const uses = 20_000;
  manager.onEvent(sink, { every: 20 });
  manager.getBuffer(1).release(); // makes one for the stock
  events.length = 0;
  for (let n = 0; n < uses; n++) manager.getBuffer(1).release();
  const told = events.length / 3;
  expect(events.map(({ eventType }) => eventType)).toEqual(
    Array.from({ length: told }, () => ['retrieved', 'returned', 'reset']).flat(),
  );
  // 1000 are expected, with a deviation of less than 19: of distances from 1 to 39, evenly.
  expect(told).toBeGreaterThan(850);
  expect(told).toBeLessThan(1150);
});

test('a load that alternates between classes is seen as it is', () => {
  const { manager, events, sink } = make();
  manager.onEvent(sink, { every: 10 });
  for (let n = 0; n < 20_000; n++) manager.getBuffer(n % 2 === 0 ? 1 : 10_000).release();
  const retrieved = events.filter(({ eventType }) => eventType === 'retrieved');
  const small = retrieved.filter((event) => event.class === 'small').length / retrieved.length;
  expect(small).toBeGreaterThan(0.4);
  expect(small).toBeLessThan(0.6);
});

test('one in one is every use', () => {
  const { manager, types, sink } = make();
  manager.onEvent(sink, { every: 1 });
  for (let n = 0; n < 100; n++) manager.getBuffer(1).release();
  expect(types().filter((type) => type === 'retrieved')).toHaveLength(100);
  expect(types().filter((type) => type === 'returned')).toHaveLength(100);
});

test('with none told of, what is wrong is told all the same', () => {
  const { manager, clock, factory, types, sink } = make();
  manager.onEvent(sink, { every: 0 });
  const held = manager.getBuffer(1);
  clock.ms += 1001;
  manager.upkeep();
  expect(types()).toEqual(['allocated', 'leak']);
  held.release(); // the leak is over
  expect(types().slice(2)).toEqual(['returned']);
  const bad = manager.getBuffer(1);
  bad.markCorrupted();
  bad.release();
  expect(types().slice(3)).toEqual(['corruption', 'destroyed']);
  factory.left = 0;
  expect(() => manager.getBuffer(1)).toThrow('Cannot make more');
  expect(types().slice(5)).toEqual(['retrieved']);
});

test('how many are told of may change at any time', () => {
  const { manager, types, sink } = make();
  let every = 0;
  manager.onEvent(sink, {
    get every() {
      return every;
    },
  });
  for (let n = 0; n < 10; n++) manager.getBuffer(1).release();
  expect(types()).toEqual(['allocated']);
  every = 1;
  // While none is told of, it is looked at again after 1024 uses at most.
  for (let n = 0; n < 1024; n++) manager.getBuffer(1).release();
  expect(types()).toContain('retrieved');
});
