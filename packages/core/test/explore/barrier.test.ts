/** The barrier in every order of its steps, with deaths at each of them. */
import { Barrier } from '@millrace/core';
import type { Case, ThreadBody, ThreadContext, World } from '@millrace/interleave';
import { describe, test } from 'vitest';
import {
  AT,
  SOMETIME,
  endsWith,
  ensure,
  expectNoFault,
  idOf,
  parking,
  sweeperOf,
  within,
} from './exploring.ts';

/** Plain notes: each thread counts the rounds that it has come to. */
const ARRIVED = 0;

const barrierOf = ({ words, thread }: ThreadContext): Barrier =>
  new Barrier(words, AT, idOf(thread), parking);

/** Comes to some rounds, and sees in each that all have come; returns how often it led. */
const passes =
  (rounds: number, parties: number): ThreadBody =>
  (context) => {
    const { words, thread } = context;
    const barrier = barrierOf(context);
    let led = 0;
    for (let round = 1; round <= rounds; round++) {
      words[ARRIVED + thread] = round;
      const { leader, lost } = barrier.wait();
      if (leader) led++;
      if (lost > 0) continue;
      for (let party = 0; party < parties; party++) {
        ensure(
          words[ARRIVED + party]! >= round,
          `It passes round ${round} before ${party} has come`,
        );
      }
      // The others read the notes of this round until they come to the next one.
      barrier.wait();
    }
    return led;
  };

/** Comes, gives up, and comes again until it has passed. */
const insists: ThreadBody = (context) => {
  const barrier = barrierOf(context);
  let led = 0;
  const attempt = (): void => void (led += barrier.wait(SOMETIME).leader ? 1 : 0);
  if (!endsWith('ERR_TIMEOUT', attempt)) return led;
  return barrier.wait().leader ? 1 : 0;
};

const passesOnce: ThreadBody = (context) => (barrierOf(context).wait().leader ? 1 : 0);

const sweep = ({ words, thread }: ThreadContext): void => {
  new Barrier(words, AT, sweeperOf(thread), parking).reclaim(idOf(thread));
};

const barrier = (parties: number, leads = 1): Omit<Case, 'name' | 'threads'> => ({
  words: AT + Barrier.WORDS,
  setup({ words }) {
    Barrier.init(words, AT, parties);
    for (let party = 0; party < parties; party++) new Barrier(words, AT, idOf(party)).join();
  },
  check({ results, killed }: World) {
    const led = results.reduce<number>((sum, result) => sum + Number(result ?? 0), 0);
    if (killed.length === 0) ensure(led === leads, `${led} have led ${leads} rounds`);
    else ensure(led <= leads, `${led} have led ${leads} rounds`);
  },
});

describe('a barrier', () => {
  test('lets nobody pass before all have come, and has one leader a round', () => {
    expectNoFault({ ...barrier(2), threads: [passes(1, 2), passes(1, 2)] });
    expectNoFault({
      ...barrier(3),
      threads: [passes(1, 3), passes(1, 3), passes(1, 3)],
      mode: within(2),
    });
  });

  test('serves the next round as well', () => {
    expectNoFault({ ...barrier(2, 2), threads: [passes(2, 2), passes(2, 2)], mode: within(3) });
  });

  test('is not passed by one that was given up, whose coming does not count', () => {
    expectNoFault({ ...barrier(2), threads: [passesOnce, insists] });
    expectNoFault({ ...barrier(2), threads: [insists, insists] });
    expectNoFault({ ...barrier(3), threads: [passesOnce, insists, passesOnce], mode: within(2) });
  });

  test('goes on without a thread that dies, at any step', () => {
    expectNoFault({ ...barrier(2), kills: 1, sweep, threads: [passesOnce, passesOnce] });
    const three = [passesOnce, passesOnce, passesOnce];
    expectNoFault({ ...barrier(3), kills: 1, sweep, threads: three, mode: within(1) });
  });
});
