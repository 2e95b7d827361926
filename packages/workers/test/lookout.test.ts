/** Which worker is woken for a task, and which goes on looking: two in turn would be in each other's way. */
import { Claims, DOZERS, Lookout, SLEEPERS, WakeUp } from '@millrace/workers/internal';
import { beforeEach, describe, expect, test } from 'vitest';
import { Cells } from '../dist/dispatch/cells.js';
import { Offers } from '../dist/dispatch/offers.js';
import { IN_NO_CELL, USUAL_TERMS, type Task } from '../dist/dispatch/task.js';
import { Owner, WORDS, layoutOf, perform } from './explore/lane.ts';

const NORMAL = 2;
const SPINNERS = 1;
let words: Int32Array;
let owner: Owner;
let wakeUp: WakeUp;
let published: number;
beforeEach(() => {
  words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  wakeUp = new WakeUp(words);
  wakeUp.openLane(0);
  owner = new Owner(words);
  published = 0;
});

/** A worker that can be watched; it looks for work as often as `looks` counts. */
function worker(me: number): { lookout: Lookout; looks: () => number; asleep: () => boolean } {
  wakeUp.admit(me);
  let looks = 0;
  const spin = {
    until(attempt: () => number): number {
      looks++;
      return attempt();
    },
    woken() {},
  };
  const claims = new Claims(words, me, layoutOf);
  const lookout = new Lookout(claims, wakeUp, me, SPINNERS, spin);
  const asleep = (): boolean => (((words[SLEEPERS]! | words[DOZERS]!) >>> me) & 1) === 1;
  return { lookout, looks: () => looks, asleep };
}

function publish(): void {
  owner.offer(++published, NORMAL);
}

/** Takes a task, runs it, and is about to take the next one. */
function work(me: number, lookout: Lookout): void {
  perform(words, lookout.next(false), me, () => lookout.ahead());
}

describe('a worker', () => {
  test('says that it looks before it says that its task is done: nobody is woken for the next', () => {
    const [first, second] = [worker(1), worker(2)];
    second.lookout.announce(false);
    publish();
    let looked = false;
    perform(words, first.lookout.next(false), 1, () => {
      expect(wakeUp.someoneLooks).toBe(false);
      first.lookout.ahead();
      looked = wakeUp.someoneLooks;
    });
    expect(looked).toBe(true);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(second.asleep()).toBe(true);
    expect(first.lookout.next(false)).toBeGreaterThan(0);
    expect(wakeUp.someoneLooks).toBe(false);
  });

  test('does not say so while more waits: it will not look', () => {
    const { lookout } = worker(1);
    publish();
    publish();
    work(1, lookout);
    expect(wakeUp.someoneLooks).toBe(false);
  });

  test('that was woken in vain goes back to sleep, and looks again once it has worked', () => {
    const { lookout, looks } = worker(1);
    expect(lookout.next(true)).toBe(-1);
    expect(looks()).toBe(1);
    lookout.announce(false);
    lookout.woken();
    expect(lookout.next(true)).toBe(-1);
    expect(looks()).toBe(1);
    publish();
    work(1, lookout);
    expect(lookout.next(true)).toBe(-1);
    expect(looks()).toBe(2);
  });
});

describe('a submitter', () => {
  test('wakes the worker that parked last', () => {
    const workers = [worker(1), worker(2), worker(3)];
    for (const me of [2, 3, 1]) workers[me - 1]!.lookout.announce(false);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(workers.map(({ asleep }) => asleep())).toEqual([false, true, true]);
  });

  test('passes over one that parked last but was woken in vain', () => {
    const workers = [worker(1), worker(2)];
    workers[1]!.lookout.announce(false);
    workers[0]!.lookout.woken();
    workers[0]!.lookout.announce(false);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(workers.map(({ asleep }) => asleep())).toEqual([true, false]);
  });

  test('wakes another when the one that parked last is awake', () => {
    const workers = [worker(1), worker(2)];
    workers[1]!.lookout.announce(false);
    workers[0]!.lookout.announce(false);
    wakeUp.withdraw(1);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(workers.map(({ asleep }) => asleep())).toEqual([false, false]);
  });

  test('wakes one that is parked, and not one that dozes, though that slept last', () => {
    const workers = [worker(1), worker(2), worker(3)];
    workers[1]!.lookout.announce(false);
    workers[0]!.lookout.announce(true);
    workers[2]!.lookout.announce(true);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(workers.map(({ asleep }) => asleep())).toEqual([true, false, true]);
  });

  test('wakes all that doze where nobody is parked: who has the event loop to itself does not come', () => {
    const workers = [worker(1), worker(2), worker(3)];
    for (const { lookout } of workers.slice(1)) lookout.announce(true);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(workers.map(({ asleep }) => asleep())).toEqual([false, false, false]);
  });

  test('takes who has found work for awake, whether it dozed or was parked', () => {
    for (const dozes of [false, true]) {
      const { lookout, asleep } = worker(1);
      lookout.announce(dozes);
      expect([asleep(), wakeUp.someoneSleeps]).toEqual([true, true]);
      wakeUp.withdraw(1);
      expect([asleep(), wakeUp.someoneSleeps]).toEqual([false, false]);
    }
  });

  test('wakes nobody for what was taken at once', () => {
    const [first, second] = [worker(1), worker(2)];
    second.lookout.announce(false);
    publish();
    expect(first.lookout.next(false)).toBeGreaterThan(0);
    wakeUp.wakeFor(owner.table);
    expect(second.asleep()).toBe(true);
    publish();
    wakeUp.wakeFor(owner.table);
    expect(second.asleep()).toBe(false);
  });
});

describe('all that a submitter offers in one turn of the event loop', () => {
  /** A task that needs nothing. */
  const task = (): Task => {
    const terms = USUAL_TERMS;
    const fields = { config: { id: 1 }, terms, file: -1, target: -1, cell: IN_NO_CELL };
    return fields as Partial<Task> as Task;
  };
  const offers = (): Offers => new Offers(owner.table, new Cells(owner.table), wakeUp, () => {});

  test('wakes one worker, and one more if the first has parked again meanwhile', async () => {
    const workers = [worker(1), worker(2)];
    for (const { lookout } of workers) lookout.announce(false);
    const [first] = workers;
    const offered = offers();
    offered.add(task());
    expect(workers.map(({ asleep }) => asleep())).toEqual([true, false]);
    expect(first!.lookout.next(false)).toBeGreaterThan(0);
    offered.add(task());
    expect(workers.map(({ asleep }) => asleep())).toEqual([true, false]);
    await Promise.resolve();
    expect(workers.map(({ asleep }) => asleep())).toEqual([false, false]);
  });

  test('wakes no more when it is one task', async () => {
    const workers = [worker(1), worker(2)];
    for (let turn = 0; turn < 2; turn++) {
      for (const { lookout } of workers) lookout.announce(false);
      const offered = offers();
      offered.add(task());
      await Promise.resolve();
      expect(workers.map(({ asleep }) => asleep())).toEqual([true, false]);
      expect(workers[1]!.lookout.next(false)).toBeGreaterThan(0);
    }
  });
});
