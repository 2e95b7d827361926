import { ThreadRegistry, type ThreadId } from '@millrace/core';
import { MAX_THREADS } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { createTable, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const table = createTable(1);

function freshRegistry(): ThreadRegistry {
  wipe(table);
  return new ThreadRegistry(table.words, table.layout);
}

test('127 threads get an id each, from 1 to 127, and no more are admitted', () => {
  const registry = freshRegistry();
  const ids = Array.from({ length: 127 }, (_, owner) => registry.register(owner));
  expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 127 }, (_, i) => i + 1));
  expect(codeOf(() => registry.register(127))).toBe('ERR_TOO_MANY_THREADS');
  expect(registry.stats()).toEqual({ alive: ids, dead: [] });
});

test('an id is given out again after it was buried and recycled, and not before', () => {
  const registry = freshRegistry();
  for (let owner = 0; owner < 127; owner++) registry.register(owner);
  const id = 42 as ThreadId;
  registry.recycle(id);
  expect(registry.isAlive(id)).toBe(true);
  expect(codeOf(() => registry.register(1))).toBe('ERR_TOO_MANY_THREADS');

  expect(registry.bury(id)).toBe(true);
  expect(registry.isAlive(id)).toBe(false);
  expect(registry.stats().dead).toEqual([id]);
  expect(codeOf(() => registry.register(1))).toBe('ERR_TOO_MANY_THREADS');

  registry.recycle(id);
  expect(registry.stats().dead).toEqual([]);
  expect(registry.register(1)).toBe(id);
  expect(registry.isAlive(id)).toBe(true);
});

test('a thread is buried once', () => {
  const registry = freshRegistry();
  const id = registry.register(7);
  expect([registry.bury(id), registry.bury(id)]).toEqual([true, false]);
  registry.recycle(id);
  expect(registry.bury(id)).toBe(false);
  expect(registry.stats()).toEqual({ alive: [], dead: [] });
});

test.each([0, 1, 2 ** 29 - 1])('an owner of %i does not change what the id stands for', (owner) => {
  const registry = freshRegistry();
  const id = registry.register(owner);
  expect(registry.isAlive(id)).toBe(true);
  expect(registry.bury(id)).toBe(true);
  expect(registry.stats()).toEqual({ alive: [], dead: [id] });
  registry.recycle(id);
  expect(registry.register(owner)).toBe(id);
});

test.each([0, -1, 1.5, NaN, MAX_THREADS, 2 ** 32 + 1, '1', undefined])(
  'nobody is alive under the id %s',
  (id) => {
    const registry = freshRegistry();
    registry.register(3);
    expect(registry.isAlive(id as ThreadId)).toBe(false);
  },
);

test('two threads that register at the same moment get two ids', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const ids: ThreadId[] = [];
    interrupt(
      () => ids.push(registry.register(5)),
      () => ids.push(registry.register(6)),
    );
    expect(ids).toHaveLength(new Set(ids).size);
    expect(registry.stats().alive).toEqual(ids.sort((a, b) => a - b));
  });
  expect(gaps).toBeGreaterThan(1);
});

test('of two threads that bury a third at the same moment, one may sweep it', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const id = registry.register(5);
    const outcomes: boolean[] = [];
    interrupt(
      () => outcomes.push(registry.bury(id)),
      () => outcomes.push(registry.bury(id)),
    );
    if (outcomes.length === 1) outcomes.push(registry.bury(id));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(registry.stats()).toEqual({ alive: [], dead: [id] });
  });
  expect(gaps).toBeGreaterThan(3);
});

test('an id that was taken anew meanwhile is not recycled from under its thread', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const id = registry.register(5);
    registry.bury(id);
    const takenAnew: ThreadId[] = [];
    interrupt(
      () => registry.recycle(id),
      () => {
        registry.recycle(id);
        takenAnew.push(registry.register(6));
      },
    );
    expect(registry.stats()).toEqual({ alive: takenAnew, dead: [] });
  });
  expect(gaps).toBeGreaterThan(3);
});
