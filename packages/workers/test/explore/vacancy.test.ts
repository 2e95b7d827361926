/**
 * Vacancies in every order of their steps: a task that nobody tells the mill's thread of, and which that has not seen
 * itself, waits for good.
 */
import type { Case, ThreadBody, World } from '@millrace/interleave';
import { Vacancy, WakeUp } from '@millrace/workers/internal';
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

const announcesExpress: ThreadBody = ({ words }) => {
  new Vacancy(words).announceExpress();
  return tasksWait(words);
};

/** Return whether they tell the mill's thread. */
const submits: ThreadBody = ({ words }) => {
  new Owner(words).offer(1);
  return new Vacancy(words).take(false);
};
const submitsElsewhere: ThreadBody = ({ words }) => {
  Atomics.store(words, OTHER, 1);
  return new Vacancy(words).take(false);
};

/** A worker is at a large operation, and somebody has asked for an express worker, whom the mill has answered. */
const occupied = ({ words }: { words: Int32Array }): void => {
  const wakeUp = new WakeUp(words);
  wakeUp.admit(1);
  wakeUp.occupy(1);
  new Vacancy(words).take(false);
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

  test('is seen by the mill that has answered for large operations, or told to it', () => {
    const threads = [announcesExpress, submits, submitsElsewhere];
    expectNoFault({ ...vacant, setup: occupied, threads });
  });

  test('is told once', () => {
    const threads = [submits, submitsElsewhere];
    const check = ({ results }: World): void =>
      ensure(results.filter((told) => told === true).length === 1, 'Not told once');
    const announced = {
      setup: ({ words }: { words: Int32Array }) => new Vacancy(words).announce(),
    };
    expectNoFault({ ...vacant, ...announced, threads, check });
    const wanted = {
      setup: ({ words }: { words: Int32Array }) => {
        occupied({ words });
        new Vacancy(words).announceExpress();
      },
    };
    expectNoFault({ ...vacant, ...wanted, threads, check });
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
