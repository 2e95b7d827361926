/** In what order tasks are served, and how many there may be. */
import { createMill, type Mill, type TaskPriority } from '@millrace/workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { codeOf } from './failure.ts';
import { Gate } from './gate.ts';
import { Log } from './log.ts';
import * as ops from './ops.mjs';
import * as terms from './terms-ops.mjs';
import { expectSound } from './threads.ts';

const some = new Uint8Array([7]);
const TURNS = 64;
let mill: Mill;
let gate: Gate;
let held: Promise<number>;
let log: Log;

/** A mill of one thread, which is at a task until the gate opens: what comes meanwhile waits. */
async function occupied(options: { maxQueue?: number } = {}): Promise<void> {
  mill = await createMill({ threads: 1, ...options });
  gate = new Gate();
  log = new Log();
  held = mill.run(ops.hold, some, { gate: gate.words });
  await gate.reached(1);
}

const submit = (number: number, priority?: TaskPriority): Promise<unknown> =>
  mill.run(terms.note, some, { log: log.words, number }, priority ? { priority } : {});

const submitMany = (count: number, number: number, priority: TaskPriority): Promise<unknown>[] =>
  Array.from({ length: count }, () => submit(number, priority));

afterEach(async () => {
  gate.open();
  await held;
  expectSound(mill, 1);
  await mill.close();
});

describe('among tasks that wait', () => {
  beforeEach(() => occupied());

  test('those of higher priority go first, and equals in the order of the calls', async () => {
    const tasks = [
      submit(1, 'low'),
      submit(2),
      submit(3, 'high'),
      submit(4, 'critical'),
      submit(5, 'normal'),
      submit(6, 'critical'),
    ];
    gate.open();
    await Promise.all(tasks);
    expect(log.entries).toEqual([4, 6, 3, 2, 5, 1]);
  });

  test.each(['high', 'normal', 'low'] as const)(
    'a %s one waits for its turn at most, however many higher ones there are',
    async (priority) => {
      const tasks = [...submitMany(1000, 0, 'critical'), submit(1, priority)];
      gate.open();
      await Promise.all(tasks);
      expect(log.entries.indexOf(1)).toBeLessThan(TURNS);
    },
  );

  test('low ones are served again and again while higher ones come', async () => {
    const tasks = [...submitMany(20, 1, 'low'), ...submitMany(2000, 0, 'critical')];
    gate.open();
    await Promise.all(tasks);
    const places = log.entries.flatMap((number, place) => (number === 1 ? [place] : []));
    const waits = places.map((place, i) => place - (places[i - 1] ?? 0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(TURNS);
  });

  test('a low one has its turn when there are more higher ones than cells', async () => {
    const tasks = [...submitMany(4094, 0, 'critical')];
    const more = [
      ...Array.from({ length: 4000 }, () =>
        mill.run(ops.sum, some, undefined, { priority: 'critical' }),
      ),
      submit(1, 'low'),
    ];
    let above = 0;
    for (const task of more.slice(0, -1)) void task.then(() => above++);
    const low = more.at(-1)!.then(() => above);
    gate.open();
    await Promise.all([...tasks, ...more]);
    expect(await low).toBeLessThan(1000);
  });

  test('one that was aborted does not lend its place to the next', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = codeOf(
      mill.run(terms.note, some, { log: log.words, number: 9 }, { priority: 'critical', signal }),
    );
    controller.abort();
    // It goes into the cell that has become free.
    const tasks = [submit(1, 'low'), submit(2, 'high')];
    gate.open();
    await Promise.all(tasks);
    expect(await aborted).toBe('ERR_ABORTED');
    expect(log.entries).toEqual([2, 1]);
  });

  test('small ones go before chunks of large objects', async () => {
    const params = { log: log.words, number: 5 };
    const large = mill.run(terms.noteChunks, new Uint8Array(300 * 1024), params);
    const small = [submit(1), submit(2, 'low'), submit(3, 'high')];
    gate.open();
    await Promise.all([large, ...small]);
    expect(log.entries.slice(0, 3)).toEqual([3, 1, 2]);
    expect(log.entries.slice(3).every((number) => number === 5)).toBe(true);
  });

  test('a priority that is none is refused', async () => {
    const priority = 'urgent' as TaskPriority;
    expect(await codeOf(mill.run(ops.sum, some, undefined, { priority }))).toBe('ERR_INVALID_ARG');
    const inherited = 'toString' as TaskPriority;
    expect(await codeOf(mill.run(ops.sum, some, undefined, { priority: inherited }))).toBe(
      'ERR_INVALID_ARG',
    );
  });
});

describe('a mill with "maxQueue"', () => {
  beforeEach(() => occupied({ maxQueue: 3 }));

  test('refuses what is too much, and takes it when there is room again', async () => {
    const waiting = [submit(1), submit(2)];
    expect(await codeOf(submit(3))).toBe('ERR_QUEUE_FULL');
    expect(mill.stats().tasks.inFlight).toBe(3);
    gate.open();
    await Promise.all([held, ...waiting]);
    await submit(4);
    expect(log.entries).toEqual([1, 2, 4]);
  });

  test('tells by `ready` when there is room, and not before', async () => {
    await mill.ready();
    const waiting = [submit(1), submit(2)];
    let isReady = false;
    const ready = mill.ready().then(() => (isReady = true));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isReady).toBe(false);
    gate.open();
    await ready;
    expect(mill.stats().tasks.inFlight).toBeLessThan(3);
    await Promise.all(waiting);
  });

  test('never has more in flight where each submitter awaits `ready`', async () => {
    gate.open();
    let most = 0;
    const tasks: Promise<unknown>[] = [];
    for (let i = 0; i < 300; i++) {
      await mill.ready();
      tasks.push(submit(i));
      most = Math.max(most, mill.stats().tasks.inFlight);
    }
    await Promise.all(tasks);
    expect(most).toBeLessThanOrEqual(3);
    expect(log.length).toBe(300);
  });

  test('has room again when a task that waits is aborted', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = codeOf(mill.run(ops.sum, some, undefined, { signal }));
    const waiting = submit(1);
    expect(await codeOf(submit(2))).toBe('ERR_QUEUE_FULL');
    const ready = mill.ready();
    controller.abort();
    await ready;
    const next = submit(3);
    gate.open();
    expect(await aborted).toBe('ERR_ABORTED');
    await Promise.all([waiting, next]);
  });

  test.each([0, -1, NaN])('of %d is refused', async (maxQueue) => {
    expect(await codeOf(createMill({ threads: 1, maxQueue }))).toBe('ERR_INVALID_ARG');
  });
});
