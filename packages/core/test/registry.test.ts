import { ThreadRegistry, type ThreadId } from '@millrace/core';
import { MAX_THREADS } from '@millrace/core/internal';
import { expect, test } from 'vitest';
import { createTable, wipe } from './memory.ts';
import { atEveryGap } from './steps.ts';
import { codeOf } from './thrown.ts';

const table = createTable(1);

const sweeper = 126 as ThreadId;
const another = 127 as ThreadId;

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

test('an id is given out again after it was buried, swept and recycled, and not before', () => {
  const registry = freshRegistry();
  for (let owner = 0; owner < 127; owner++) registry.register(owner);
  const id = 42 as ThreadId;
  const refused = (): void => {
    expect(codeOf(() => registry.register(1))).toBe('ERR_TOO_MANY_THREADS');
  };
  registry.recycle(id, sweeper);
  expect(registry.beginSweep(id, sweeper)).toBe(false);
  expect(registry.isAlive(id)).toBe(true);
  refused();

  expect(registry.bury(id, 41)).toBe(true);
  expect(registry.isAlive(id)).toBe(false);
  expect(registry.stats().dead).toEqual([id]);
  registry.recycle(id, sweeper);
  refused();

  expect(registry.beginSweep(id, sweeper)).toBe(true);
  expect(registry.stats().dead).toEqual([id]);
  refused();
  registry.recycle(id, another);
  refused();

  registry.recycle(id, sweeper);
  expect(registry.stats().dead).toEqual([]);
  expect(registry.register(1)).toBe(id);
  expect(registry.isAlive(id)).toBe(true);
});

test('a thread is gone when its id has been recycled, even if another has that then', () => {
  const registry = freshRegistry();
  const id = registry.register(1);
  const epoch = registry.epochOf(id);
  const gone: boolean[] = [];
  for (const step of [
    () => registry.bury(id, 1),
    () => registry.beginSweep(id, sweeper),
    () => registry.recycle(id, sweeper),
    () => registry.register(2),
  ]) {
    gone.push(registry.isGone(id, epoch));
    step();
  }
  expect(gone).toEqual([false, false, false, true]);
  expect(registry.isGone(id, epoch)).toBe(true);
  expect(registry.isGone(id, registry.epochOf(id))).toBe(false);
});

test('a thread is buried once, and by the name that it was registered with', () => {
  const registry = freshRegistry();
  const id = registry.register(7);
  expect(registry.bury(id, 8)).toBe(false);
  expect(registry.isAlive(id)).toBe(true);
  expect([registry.bury(id, 7), registry.bury(id, 7)]).toEqual([true, false]);
  registry.beginSweep(id, sweeper);
  expect(registry.bury(id, 7)).toBe(false);
  registry.recycle(id, sweeper);
  expect(registry.bury(id, 7)).toBe(false);
  expect(registry.stats()).toEqual({ alive: [], dead: [] });
});

test('an id that was given out again is not buried by the name of its former thread', () => {
  const registry = freshRegistry();
  const id = registry.register(7);
  registry.bury(id, 7);
  registry.beginSweep(id, sweeper);
  registry.recycle(id, sweeper);
  expect(registry.register(9)).toBe(id);
  expect(registry.bury(id, 7)).toBe(false);
  expect(registry.isAlive(id)).toBe(true);
});

test('a sweep is begun by one, and taken over only from the one who began it', () => {
  const registry = freshRegistry();
  const [id, living] = [registry.register(7), registry.register(8)];
  registry.bury(id, 7);
  expect(registry.beginSweep(id, sweeper)).toBe(true);
  expect(registry.beginSweep(id, another)).toBe(false);
  expect(registry.sweptBy(sweeper)).toEqual([id]);
  expect(registry.sweptBy(another)).toEqual([]);

  expect(registry.takeOverSweep(id, living, another)).toBe(false);
  expect(registry.takeOverSweep(living, sweeper, another)).toBe(false);
  expect(registry.takeOverSweep(id, sweeper, another)).toBe(true);
  expect(registry.takeOverSweep(id, sweeper, living)).toBe(false);
  registry.recycle(id, sweeper);
  expect(registry.stats()).toEqual({ alive: [living], dead: [id] });
  registry.recycle(id, another);
  expect(registry.stats()).toEqual({ alive: [living], dead: [] });
});

test.each([0, 1, 2 ** 29 - 1])('an owner of %i does not change what the id stands for', (owner) => {
  const registry = freshRegistry();
  const id = registry.register(owner);
  expect(registry.isAlive(id)).toBe(true);
  expect(registry.bury(id, owner)).toBe(true);
  expect(registry.stats()).toEqual({ alive: [], dead: [id] });
  registry.beginSweep(id, sweeper);
  registry.recycle(id, sweeper);
  expect(registry.register(owner)).toBe(id);
});

test.each([-1, 0.5, NaN, Infinity, 2 ** 29, '7', undefined])(
  'a thread that is called %s is refused, and no id is taken',
  (owner) => {
    const registry = freshRegistry();
    expect(codeOf(() => registry.register(owner as number))).toBe('ERR_INVALID_ARG');
    expect(registry.stats()).toEqual({ alive: [], dead: [] });
  },
);

test('each sign of life of a thread is counted, and of no other', () => {
  const registry = freshRegistry();
  const [one, other] = [registry.register(1), registry.register(2)];
  for (let i = 0; i < 3; i++) registry.beat(one);
  expect([registry.beatsOf(one), registry.beatsOf(other)]).toEqual([3, 0]);
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

test('of two threads that bury a third at the same moment, one does, and one may sweep it', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const id = registry.register(5);
    const outcomes: boolean[] = [];
    const buryAndSweep = (by: ThreadId) => (): void => {
      registry.bury(id, 5);
      outcomes.push(registry.beginSweep(id, by));
    };
    interrupt(buryAndSweep(sweeper), buryAndSweep(another));
    if (outcomes.length === 1) buryAndSweep(another)();
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(registry.stats()).toEqual({ alive: [], dead: [id] });
  });
  expect(gaps).toBeGreaterThan(3);
});

test('of two threads that take over a sweep at the same moment, one does', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const id = registry.register(5);
    const dead = registry.register(6);
    registry.bury(id, 5);
    registry.beginSweep(id, dead);
    const outcomes: boolean[] = [];
    const takeOver = (by: ThreadId) => () => outcomes.push(registry.takeOverSweep(id, dead, by));
    interrupt(takeOver(sweeper), takeOver(another));
    if (outcomes.length === 1) takeOver(another)();
    expect(outcomes.filter(Boolean)).toHaveLength(1);
  });
  expect(gaps).toBe(2);
});

test('an id that was taken anew meanwhile is not recycled from under its thread', () => {
  const gaps = atEveryGap((interrupt) => {
    const registry = freshRegistry();
    const id = registry.register(5);
    registry.bury(id, 5);
    registry.beginSweep(id, sweeper);
    const takenAnew: ThreadId[] = [];
    interrupt(
      () => registry.recycle(id, sweeper),
      () => {
        registry.recycle(id, sweeper);
        takenAnew.push(registry.register(6));
      },
    );
    expect(registry.stats()).toEqual({ alive: takenAnew, dead: [] });
  });
  expect(gaps).toBeGreaterThan(1);
});
