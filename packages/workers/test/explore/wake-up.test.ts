/**
 * Wake-ups in every order of their steps: a wake-up that is lost is a deadlock. With workers that spin, one
 * that is to avoid a task, one that stands by, and a death at each step.
 */
import {
  AVOID,
  Claims,
  FIRST_BULK_RING,
  RETRY_RING,
  WakeUp,
  Workforce,
} from '@millrace/workers/internal';
import type { Case, ThreadBody, ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { ensure, expectNoFault, random, within } from './exploring.ts';
import { NOTES, Owner, WORDS, drain, isWhole, layoutOf, racesOnPurpose } from './lane.ts';

const NORMAL = 2;
const BULK = FIRST_BULK_RING + NORMAL;

const works =
  (spinners = 0): ThreadBody =>
  ({ words, thread }) =>
    drain(words, thread, spinners);

interface Wanted {
  readonly ring?: number;
  readonly avoid?: number;
  readonly bulk?: boolean;
}

/** Publishes tasks, waking whom it must, rests until all are settled, and closes. */
const submits =
  (...tasks: Wanted[]): ThreadBody =>
  ({ words }) => {
    const owner = new Owner(words);
    const wakeUp = new WakeUp(words);
    for (const [i, { ring = NORMAL, avoid, bulk }] of tasks.entries()) {
      while (owner.offer(i + 1, ring, avoid, bulk) < 0) owner.rest();
      wakeUp.wakeFor(owner.table);
    }
    while (owner.reap() >= 0 && owner.inFlight > 0) owner.rest();
    wakeUp.close([1, 2, 3]);
    return owner;
  };

/** Publishes all in one batch: with one notify, and another look at the end. */
const submitsBatch =
  (count: number): ThreadBody =>
  ({ words }) => {
    const owner = new Owner(words);
    const wakeUp = new WakeUp(words);
    for (let task = 1; task <= count; task++) {
      owner.offer(task, NORMAL);
      if (task === 1) wakeUp.wakeFor(owner.table);
    }
    if (owner.table.waiting) wakeUp.wakeOne();
    while (owner.reap() >= 0 && owner.inFlight > 0) owner.rest();
    wakeUp.close([1, 2]);
    return owner;
  };

const buries = ({ words, thread }: ThreadContext): void => {
  // With its owner gone, nobody would ever end the case.
  if (thread === 0) new WakeUp(words).close([1, 2, 3]);
  else new Workforce(words, layoutOf).bury(thread);
};

const mill = (workers: readonly number[], express = 0): Omit<Case, 'name' | 'threads'> => ({
  words: WORDS,
  allowRaces: racesOnPurpose,
  setup: ({ words }) => {
    const wakeUp = new WakeUp(words);
    wakeUp.openLane(0);
    for (const worker of workers) wakeUp.admit(worker, worker === express);
  },
  check: (world) => {
    isWhole(world);
    const owner = world.results[0] as Owner | undefined;
    if (owner) ensure(owner.settled.length === owner.published.length, 'Not all is settled');
  },
});
const deadly = { kills: 1, sweep: buries };

describe('a publication', () => {
  test('wakes a worker that sleeps, or is about to', () => {
    expectNoFault({ ...mill([1]), threads: [submits({}), works()] });
    expectNoFault({ ...mill([1]), threads: [submits({}, {}), works()], mode: within(1) });
    expectNoFault({ ...mill([1, 2]), threads: [submits({}), works(), works()], mode: within(1) });
    const threads = [submits({}, {}, {}), works(), works()];
    expectNoFault({ ...mill([1, 2]), threads, mode: random(1_000) });
  });

  test('is seen by a worker that spins, or wakes one that does not', () => {
    expectNoFault({ ...mill([1]), threads: [submits({}, {}), works(1)], mode: within(1) });
    const threads = [submits({}, {}), works(1), works(1)];
    expectNoFault({ ...mill([1, 2]), threads, mode: within(1) });
    expectNoFault({ ...mill([1, 2]), threads, mode: random(1_000) });
  });

  test('in a batch wakes with one notify', () => {
    const threads = [submitsBatch(2), works(1), works(1)];
    expectNoFault({ ...mill([1, 2]), threads, mode: within(1) });
  });

  test('is not lost with a worker that was woken for it, or that looked for it, or that was to wake another', () => {
    for (const spinners of [0, 1]) {
      const one = [submits({}), works(spinners), works(spinners)];
      expectNoFault({ ...mill([1, 2]), ...deadly, threads: one, mode: within(0) });
      expectNoFault({ ...mill([1, 2]), ...deadly, threads: one, mode: random(5_000, 4) });
      const two = [submits({}, {}), works(spinners), works(spinners)];
      expectNoFault({ ...mill([1, 2]), ...deadly, threads: two, mode: within(0) });
      expectNoFault({ ...mill([1, 2]), ...deadly, threads: two, mode: random(5_000, 4) });
    }
  });
});

test('a worker that dies as it wakes another does not leave that one asleep', () => {
  /** Looked for work, has found some, and fetches help for what it leaves behind. */
  const fetchesHelp: ThreadBody = ({ words, thread }) => {
    const wakeUp = new WakeUp(words);
    wakeUp.stopSpinning(thread);
    if (new Claims(words, thread, layoutOf).anyWaiting) wakeUp.wakeOne();
    return drain(words, thread, 0);
  };
  const spinning = mill([1, 2]);
  expectNoFault({
    ...spinning,
    ...deadly,
    setup: (world) => {
      spinning.setup?.(world);
      new WakeUp(world.words).startSpinning(1);
    },
    threads: [submits({}), fetchesHelp, works()],
    mode: within(0),
  });
});

describe('a task that is to avoid a worker', () => {
  const ring = RETRY_RING;
  test('wakes another', () => {
    for (const avoid of [1, 2]) {
      for (const spinners of [0, 1]) {
        const threads = [submits({ ring, avoid }), works(spinners), works(spinners)];
        expectNoFault({ ...mill([1, 2]), threads, mode: within(1) });
        expectNoFault({ ...mill([1, 2]), threads, mode: random(1_000) });
      }
    }
  });

  test('and then is to avoid nobody, wakes whoever is left', () => {
    /** Thread 0 does what the dispatcher does when one worker is left. */
    const letsTheLastHaveIt: ThreadBody = ({ words }) => {
      const owner = new Owner(words);
      const wakeUp = new WakeUp(words);
      const cell = owner.offer(1, ring, 1);
      wakeUp.wakeOne();
      Atomics.store(words, owner.table.at(cell) + AVOID, 0);
      if (owner.table.waiting) wakeUp.wakeOne();
      while (owner.reap() >= 0 && owner.inFlight > 0) owner.rest();
      wakeUp.close([1]);
      return owner;
    };
    for (const spinners of [0, 1]) {
      const threads = [letsTheLastHaveIt, works(spinners)];
      expectNoFault({ ...mill([1]), threads, mode: within(2) });
    }
  });

  test('leaves that one the tasks behind it', () => {
    const threads = [submits({ ring, avoid: 1 }, { ring, avoid: 2 }), works(1), works(1)];
    expectNoFault({ ...mill([1, 2]), threads, mode: within(1) });
    expectNoFault({ ...mill([1, 2]), threads, mode: random(1_000) });
  });
});

/** What an op waits for that goes on for as long as a case wants. */
const GATE = NOTES - 1;
const openGate = (words: Int32Array): void => {
  Atomics.store(words, GATE, 1);
  Atomics.notify(words, GATE);
};

describe('a worker that dozes', () => {
  /** Dozes first of all, in `sleep`. */
  const dozes =
    (sleep: (context: ThreadContext) => void): ThreadBody =>
    (context) => {
      const { words, thread } = context;
      const wakeUp = new WakeUp(words);
      wakeUp.announceDoze(thread);
      if (!new Claims(words, thread, layoutOf).waiting && !wakeUp.closing) sleep(context);
      wakeUp.withdraw(thread);
      return drain(words, thread, 0);
    };
  const comes = dozes(({ words, thread }) => new WakeUp(words).park(thread));
  /** An op has its event loop until the task is done. */
  const doesNotCome = dozes(({ words }) => void Atomics.wait(words, GATE, 0));
  /** Publishes a task, with no other look than the first, and ends what blocks a worker once it is done. */
  const submitsOne: ThreadBody = (context) => {
    const { words } = context;
    const owner = new Owner(words);
    const wakeUp = new WakeUp(words);
    owner.offer(1, NORMAL);
    wakeUp.wakeFor(owner.table);
    while (owner.reap() >= 0 && owner.inFlight > 0) owner.rest();
    openGate(words);
    wakeUp.close([1, 2, 3]);
    return owner;
  };

  test('is woken for a task where nobody is parked', () => {
    expectNoFault({ ...mill([1]), threads: [submitsOne, comes] });
  });

  test('and does not come, is not relied upon: one that is parked is woken, or all others that doze', () => {
    for (const other of [works(), works(1), comes]) {
      for (const threads of [
        [submitsOne, doesNotCome, other],
        [submitsOne, other, doesNotCome],
      ]) {
        expectNoFault({ ...mill([1, 2]), threads, mode: within(1) });
        expectNoFault({ ...mill([1, 2]), threads, mode: random(1_000) });
      }
    }
  });
});

describe('the express worker', () => {
  const CHUNK = 1;
  const SMALL = 2;
  /** Publishes a chunk and a small task, in this order or the other; the chunk goes on until the small one has ended. */
  const submitsBoth =
    (...order: number[]): ThreadBody =>
    ({ words }) => {
      const owner = new Owner(words);
      const wakeUp = new WakeUp(words);
      for (const task of order) {
        owner.offer(task, task === CHUNK ? BULK : NORMAL);
        wakeUp.wakeOne();
      }
      while (owner.reap() >= 0 && owner.inFlight > 0) {
        if (owner.settled.some(({ task }) => task === SMALL)) openGate(words);
        owner.rest();
      }
      wakeUp.close([1, 2, 3]);
      return owner;
    };
  const worksAtLength =
    (spinners: number): ThreadBody =>
    ({ words, thread }) =>
      drain(words, thread, spinners, () => void Atomics.wait(words, GATE, 0));
  const standsBy =
    (spinners: number): ThreadBody =>
    ({ words, thread }) => {
      const tasks = drain(words, thread, spinners);
      ensure(
        tasks.every((task) => task === SMALL),
        'It runs a chunk',
      );
      return tasks;
    };

  test('runs a small task that would have to wait for a chunk', () => {
    for (const order of [
      [CHUNK, SMALL],
      [SMALL, CHUNK],
    ]) {
      for (const spinners of [0, 1]) {
        const threads = [submitsBoth(...order), worksAtLength(spinners), standsBy(spinners)];
        expectNoFault({ ...mill([1, 2], 2), threads, mode: within(1) });
        expectNoFault({ ...mill([1, 2], 2), threads, mode: random(2_000) });
      }
    }
  });

  test('leaves chunks to others, those that are tried again too', () => {
    for (const chunk of [{ ring: BULK }, { ring: RETRY_RING, bulk: true }]) {
      const threads = [submits({ ring: BULK }, {}, chunk), works(), standsBy(1)];
      expectNoFault({ ...mill([1, 2], 2), threads, mode: within(1) });
      expectNoFault({ ...mill([1, 2], 2), threads, mode: random(1_000) });
    }
  });

  test('is not missed when one that was not occupied dies', () => {
    const threads = [submitsBoth(CHUNK, SMALL), worksAtLength(0), worksAtLength(0), standsBy(0)];
    expectNoFault({
      ...mill([1, 2, 3], 3),
      threads,
      kills: 1,
      sweep: (context) => {
        if (context.thread === 0) openGate(context.words);
        buries(context);
      },
      mode: random(10_000, 4),
    });
  });
});
