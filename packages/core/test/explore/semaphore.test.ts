/** The semaphore in every order of its steps, with deaths at each of them. */
import { Semaphore } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  OBSERVER,
  SOMETIME,
  endsWith,
  ensure,
  expectNoFault,
  idOf,
  parking,
  random,
  sweeperOf,
  within,
} from './exploring.ts';

/** Notes: how many were served so far, and what each thread holds. */
const SERVED = 0;
const HELD = 1;
const THREADS = 4;

const semaphoreOf = ({ words, thread }: ThreadContext): Semaphore =>
  new Semaphore(words, AT, idOf(thread), parking);

/** Notes that this thread holds `weight` now, which must not be more than there is together with the others'. */
function note({ words, thread }: ThreadContext, weight: number, total: number): void {
  Atomics.store(words, HELD + thread, weight);
  let held = 0;
  for (let t = 0; t < THREADS; t++) held += Atomics.load(words, HELD + t);
  ensure(held <= total, `${held} of ${total} are held`);
}

/** Holds `weight` of one, by turns: the note that is not atomic races if two are inside. */
const alone =
  (rounds: number, giveUp = false): ThreadBody =>
  (context) => {
    const semaphore = semaphoreOf(context);
    const { words } = context;
    for (let i = 0; i < rounds; i++) {
      const limits = giveUp ? SOMETIME : undefined;
      if (endsWith('ERR_TIMEOUT', () => semaphore.acquire(1, limits))) continue;
      words[SERVED] = words[SERVED]! + 1;
      semaphore.release(1);
    }
  };

const holds =
  (weight: number, total: number, giveUp = false): ThreadBody =>
  (context) => {
    const semaphore = semaphoreOf(context);
    const limits = giveUp ? SOMETIME : undefined;
    if (endsWith('ERR_TIMEOUT', () => semaphore.acquire(weight, limits))) return;
    note(context, weight, total);
    Atomics.store(context.words, HELD + context.thread, 0);
    semaphore.release(weight);
  };

/** Gives up what is too much, and comes again for less. */
const wantsLess =
  (much: number, less: number, total: number): ThreadBody =>
  (context) => {
    const semaphore = semaphoreOf(context);
    const gaveUp = endsWith('ERR_TIMEOUT', () => semaphore.acquire(much, SOMETIME));
    if (gaveUp) semaphore.acquire(less);
    note(context, gaveUp ? less : much, total);
    Atomics.store(context.words, HELD + context.thread, 0);
    semaphore.release(gaveUp ? less : much);
  };

const tries =
  (weight: number, total: number): ThreadBody =>
  (context) => {
    const semaphore = semaphoreOf(context);
    if (!semaphore.tryAcquire(weight)) return;
    note(context, weight, total);
    Atomics.store(context.words, HELD + context.thread, 0);
    semaphore.release(weight);
  };

/** Wants all there is, and notes when it is served. */
const inTurn: ThreadBody = (context) => {
  const semaphore = semaphoreOf(context);
  semaphore.acquire(2);
  const served = Atomics.add(context.words, SERVED, 1);
  semaphore.release(2);
  return served;
};

/** Comes when it has seen {@link inTurn} in line, and must be served after it. */
const overtakes =
  (blocking: boolean): ThreadBody =>
  (context) => {
    const semaphore = semaphoreOf(context);
    const before = semaphore.stats().waiting.some(({ weight }) => weight === 2);
    // Has the line looked at: until then one who has just come may be unknown to whoever decides.
    semaphore.resize(2);
    if (blocking) semaphore.acquire(1);
    else if (!semaphore.tryAcquire(1)) return;
    const served = Atomics.add(context.words, SERVED, 1);
    semaphore.release(1);
    ensure(!before || served > 0, 'It overtakes a thread that stood in line before it');
  };

/** Makes it have fewer, then more; the others never hold more than it ever had. */
const resizes: ThreadBody = (context) => {
  for (const total of [1, 3]) semaphoreOf(context).resize(total);
};

const sweep = ({ words, thread }: ThreadContext): void => {
  Atomics.store(words, HELD + thread, 0);
  new Semaphore(words, AT, sweeperOf(thread), parking).reclaim(idOf(thread));
};

function allIsBack({ words }: World): void {
  const semaphore = new Semaphore(words, AT, OBSERVER, parking);
  const { total, free, held, waiting } = semaphore.stats();
  ensure(free === total && held.length === 0, `${free} of ${total} are free`);
  ensure(waiting.length === 0, `${waiting.length} wait`);
  ensure(semaphore.tryAcquire(total), 'What is free cannot be had');
}

const semaphore = (total: number): Omit<Case, 'name' | 'threads'> => ({
  words: AT + Semaphore.words(OBSERVER),
  setup: ({ words }) => Semaphore.init(words, AT, { total }),
  check: allIsBack,
});

describe('a semaphore', () => {
  test('lends its one permit to one thread at a time', () => {
    expectNoFault({ ...semaphore(1), threads: [alone(1), alone(1)] });
    expectNoFault({ ...semaphore(1), threads: [alone(2), alone(2)], mode: within(3) });
    expectNoFault({ ...semaphore(1), threads: [alone(1), alone(1), alone(1)], mode: within(2) });
  });

  test('never lends more than it has, whatever the weights', () => {
    const three = [holds(2, 3), holds(3, 3), holds(1, 3)];
    expectNoFault({ ...semaphore(3), threads: three, mode: within(2) });
  });

  test('goes to others when some give up, or only try', () => {
    expectNoFault({ ...semaphore(1), threads: [alone(1), alone(1, true)] });
    const three = [holds(2, 3), holds(3, 3, true), tries(1, 3)];
    expectNoFault({ ...semaphore(3), threads: three, mode: within(2) });
  });

  test('gives what is wanted to one who gives up and comes again for less', () => {
    const threads = [wantsLess(3, 1, 3), holds(2, 3)];
    expectNoFault({ ...semaphore(3), threads, mode: within(3) });
  });

  test('is not taken past a thread that stands in line, however little is wanted', () => {
    const second = holds(1, 2);
    expectNoFault({
      ...semaphore(2),
      threads: [second, inTurn, overtakes(false)],
      mode: within(2),
    });
    expectNoFault({ ...semaphore(2), threads: [second, inTurn, overtakes(true)], mode: within(2) });
  });

  test('loses nothing when it is resized meanwhile, even by one who dies over it', () => {
    const three = [holds(1, 3), tries(1, 3), resizes];
    expectNoFault({ ...semaphore(2), threads: three, mode: within(2) });
    expectNoFault({ ...semaphore(2), kills: 1, sweep, threads: three, mode: within(1) });
    const four = [holds(1, 3), ...three];
    expectNoFault({ ...semaphore(2), kills: 1, sweep, threads: four, mode: random(5000) });
  });

  test('gets back what a thread held that dies, at any step', () => {
    const deadly = { kills: 1, sweep };
    expectNoFault({ ...semaphore(1), ...deadly, threads: [alone(1), alone(1)], mode: within(2) });
    const three = [holds(2, 3), holds(2, 3), holds(1, 3)];
    expectNoFault({ ...semaphore(3), ...deadly, threads: three, mode: within(1) });
  });

  test('gets it back from any number that die', () => {
    const deadly = { kills: 2, sweep };
    const two = [alone(1), alone(1)];
    expectNoFault({ ...semaphore(1), ...deadly, sweeps: 'last', threads: two, mode: within(1) });
    const four = [holds(2, 3), holds(3, 3, true), holds(1, 3), tries(2, 3)];
    expectNoFault({ ...semaphore(3), ...deadly, threads: four, mode: random(10_000) });
  });
});
