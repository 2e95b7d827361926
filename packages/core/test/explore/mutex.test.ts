/** The mutex in every order of its steps, with deaths at each of them. */
import { Mutex } from '@millrace/core';
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

/** Notes, plain: how often somebody was inside, and whether somebody is. */
const COUNT = 0;
const INSIDE = 1;

function visit(words: Int32Array, outcome: string | undefined): void {
  if (outcome === undefined) return;
  ensure(
    outcome === 'abandoned' || words[INSIDE] === 0,
    'Nobody told that the last one died inside',
  );
  words[INSIDE] = 1;
  words[COUNT] = words[COUNT]! + 1;
  words[INSIDE] = 0;
}

const mutexOf = ({ words, thread }: ThreadContext): Mutex =>
  new Mutex(words, AT, idOf(thread), parking);

const locks =
  (rounds: number): ThreadBody =>
  (context) => {
    const mutex = mutexOf(context);
    for (let i = 0; i < rounds; i++) {
      visit(context.words, mutex.lock());
      mutex.unlock();
    }
    return rounds;
  };

const tries: ThreadBody = (context) => {
  const mutex = mutexOf(context);
  const outcome = mutex.tryLock();
  visit(context.words, outcome);
  if (outcome === undefined) return 0;
  mutex.unlock();
  return 1;
};

const givesUp: ThreadBody = (context) => {
  const mutex = mutexOf(context);
  if (endsWith('ERR_TIMEOUT', () => visit(context.words, mutex.lock(SOMETIME)))) return 0;
  mutex.unlock();
  return 1;
};

const sweep = ({ words, thread }: ThreadContext): void => {
  new Mutex(words, AT, sweeperOf(thread)).reclaim(idOf(thread));
};

function isFree({ words, raw, results, killed }: World): void {
  const { holder, sleeping } = new Mutex(words, AT, OBSERVER).stats();
  ensure(
    holder === undefined && sleeping.length === 0,
    `${holder} holds it, ${sleeping.length} sleep`,
  );
  const visits = results.reduce<number>((sum, rounds) => sum + Number(rounds ?? 0), 0);
  ensure(
    killed.length > 0 || raw[COUNT] === visits,
    `${raw[COUNT]} of ${visits} visits are counted`,
  );
}

const mutex: Omit<Case, 'name' | 'threads'> = { words: AT + Mutex.WORDS, check: isFree };
const deadly = { ...mutex, kills: 1, sweep };

describe('a mutex', () => {
  test('is never held by two threads at once, and makes none wait for ever', () => {
    expectNoFault({ ...mutex, threads: [locks(2), locks(2)] });
    expectNoFault({ ...mutex, threads: [locks(1), locks(1), locks(1)] });
    expectNoFault({ ...mutex, threads: [locks(2), locks(2), locks(2)], mode: within(2) });
  });

  test('goes to another when some give up, or only try', () => {
    expectNoFault({ ...mutex, threads: [locks(2), givesUp] });
    expectNoFault({ ...mutex, threads: [locks(1), givesUp, givesUp], mode: within(3) });
    expectNoFault({ ...mutex, threads: [locks(1), givesUp, tries], mode: within(3) });
  });

  test('comes back from a thread that dies, at any step, with a word of warning', () => {
    expectNoFault({ ...deadly, threads: [locks(1), locks(1)] });
    expectNoFault({ ...deadly, threads: [locks(1), locks(1), givesUp], mode: within(2) });
  });

  test('comes back from any number that die', () => {
    expectNoFault({ ...deadly, kills: 2, threads: [locks(1), locks(1)], mode: within(2) });
    expectNoFault({
      ...deadly,
      kills: 2,
      threads: [locks(1), locks(1), locks(1)],
      mode: within(1),
    });
    const four = [locks(2), locks(1), givesUp, tries];
    expectNoFault({ ...deadly, kills: 3, threads: four, mode: random(20_000) });
  });
});
