/**
 * Vacancies in every order of their steps: a task that nobody tells the mill's thread of, and which that has not seen
 * itself, waits for good.
 */
import type { Case, ThreadBody, World } from '@millrace/interleave';
import { Vacancy } from '@millrace/workers/internal';
import { describe, test } from 'vitest';
import { ensure, expectNoFault } from './exploring.ts';
import { NOTES, Owner, WORDS, racesOnPurpose, tableOf } from './lane.ts';

/** Where a second submitter says that it has published, instead of a lane of its own. */
const OTHER = NOTES + 12;
/** 1 once the mill's thread has buried a submitter and seen a task. */
const SEEN_AT_BURIAL = NOTES + 13;

function tasksWait(words: Int32Array): boolean {
  return tableOf(words).waiting || Atomics.load(words, OTHER) === 1;
}

/** The mill's thread; returns whether it has seen tasks. */
const announces: ThreadBody = ({ words }) => {
  new Vacancy(words).announce();
  return tasksWait(words);
};

/** Return whether they tell the mill's thread. */
const submits: ThreadBody = ({ words }) => {
  new Owner(words).offer(1);
  return new Vacancy(words).take();
};
const submitsElsewhere: ThreadBody = ({ words }) => {
  Atomics.store(words, OTHER, 1);
  return new Vacancy(words).take();
};

const vacant: Omit<Case, 'name' | 'threads'> = {
  words: WORDS,
  allowRaces: racesOnPurpose,
  check: ({ words, raw, results }: World) => {
    const known = results.includes(true) || raw[SEEN_AT_BURIAL] === 1;
    ensure(known || !tasksWait(words), 'Tasks wait, and the mill does not know');
  },
};

describe('a task that another thread submits', () => {
  test('is seen by the mill that announces a vacancy, or told to it', () => {
    expectNoFault({ ...vacant, threads: [announces, submits] });
    expectNoFault({ ...vacant, threads: [announces, submits, submitsElsewhere] });
  });

  test('is told once', () => {
    expectNoFault({
      ...vacant,
      setup: ({ words }) => new Vacancy(words).announce(),
      threads: [submits, submitsElsewhere],
      check: ({ results }) =>
        ensure(results.filter((told) => told === true).length === 1, 'Not told once'),
    });
  });

  test('is known though the thread dies that was to tell', () => {
    expectNoFault({
      ...vacant,
      setup: ({ words }) => new Vacancy(words).announce(),
      threads: [submits, submitsElsewhere],
      kills: 1,
      // It was killed for certain, so it has not told.
      sweep: ({ words }) => {
        new Vacancy(words).announce();
        if (tasksWait(words)) words[SEEN_AT_BURIAL] = 1;
      },
    });
  });
});
