/** The task table in every order of its steps, with deaths at each of them: no task is lost, and none is settled twice. */
import {
  DONE,
  FIRST_BULK_RING,
  LaneSignal,
  RETRY_RING,
  stateOf,
  FREE,
  STATE,
} from '@millrace/workers/internal';
import type { Case, ThreadBody, ThreadContext } from '@millrace/interleave';
import { describe, test } from 'vitest';
import { ensure, expectNoFault, random, within } from './exploring.ts';
import { LANE, Owner, WORDS, isWhole, perform, racesOnPurpose, runsOf, tableOf } from './lane.ts';

const NORMAL = 2;

/** Tries to claim so many times, in these rings in turn, and runs what it gets. Returns that. */
const works =
  (tries: number, rings: readonly number[] = [NORMAL]): ThreadBody =>
  ({ words, thread }) => {
    const table = tableOf(words);
    const tasks: number[] = [];
    for (let i = 0; i < tries; i++) {
      for (const ring of rings) {
        const at = table.claim(ring, thread);
        if (at >= 0) tasks.push(perform(words, at, thread));
      }
    }
    return tasks;
  };

/** Publishes tasks 1 to `count`, reaping before each. */
const submits =
  (count: number): ThreadBody =>
  ({ words }) => {
    const owner = new Owner(words);
    for (let task = 1; task <= count; task++) {
      owner.reap();
      owner.offer(task, NORMAL);
    }
    owner.reap();
    return owner;
  };

/** What the coordinator does once the thread is dead for certain. */
const buries = ({ words, thread }: ThreadContext): void => {
  tableOf(words).orphan(thread);
  new LaneSignal(words, LANE).tellOfOrphans();
};

const lane: Omit<Case, 'name' | 'threads'> = {
  words: WORDS,
  allowRaces: racesOnPurpose,
  check: isWhole,
};
const deadly = { ...lane, kills: 1, sweep: buries };

describe('a task', () => {
  test('is run once, by one worker, and its result comes back', () => {
    expectNoFault({ ...lane, threads: [submits(2), works(2)] });
    expectNoFault({ ...lane, threads: [submits(1), works(1), works(1)] });
    expectNoFault({ ...lane, threads: [submits(3), works(2), works(2)], mode: within(2) });
    expectNoFault({ ...lane, threads: [submits(4), works(3), works(3)], mode: random(10_000) });
  });

  test('is neither lost nor settled twice when its worker dies, at any step', () => {
    expectNoFault({ ...deadly, threads: [submits(2), works(2)], mode: within(3) });
    expectNoFault({ ...deadly, threads: [submits(3), works(2), works(2)], mode: within(1) });
    expectNoFault({
      ...deadly,
      kills: 2,
      threads: [submits(4), works(3), works(3)],
      mode: random(20_000, 4),
    });
  });

  test('that was finished by a worker now dead is settled as done, while it is buried', () => {
    /** Reaps while the burial goes on, and gives the cell to another task at once. */
    const reuses: ThreadBody = ({ words }) => {
      const owner = new Owner(words);
      owner.offer(1, NORMAL);
      for (let task = 2; task < 5; task++) if (owner.reap() > 0) owner.offer(task, NORMAL);
      return owner;
    };
    expectNoFault({ ...deadly, threads: [reuses, works(1), works(2)], mode: within(2) });
  });
});

describe('a task that is taken back', () => {
  const takesBack: ThreadBody = ({ words }) => {
    const owner = new Owner(words);
    const cell = owner.offer(1, NORMAL);
    const back = owner.withdraw(cell);
    owner.offer(2, NORMAL);
    owner.reap();
    return { back, owner };
  };
  const check: NonNullable<Case['check']> = (world) => {
    const outcome = world.results[0] as { back: boolean; owner: Owner } | undefined;
    isWhole({ ...world, results: [outcome?.owner] });
    if (!outcome) return;
    ensure(!outcome.back || runsOf(world.raw, 1) === 0, 'It was taken back, and runs');
  };

  test('is not run, and one that is not taken back is', () => {
    expectNoFault({ ...lane, threads: [takesBack, works(2)], check });
    expectNoFault({ ...lane, threads: [takesBack, works(2), works(1)], mode: within(2), check });
    expectNoFault({ ...deadly, threads: [takesBack, works(2)], mode: within(3), check });
  });

  test('does not lend its place in the line to the next one in its cell', () => {
    const BULK = FIRST_BULK_RING + NORMAL;
    const changesRing: ThreadBody = ({ words }) => {
      const owner = new Owner(words);
      const cell = owner.offer(1, NORMAL);
      if (owner.withdraw(cell)) ensure(owner.offer(2, BULK) === cell, 'It goes to another cell');
      return owner;
    };
    const takesSmall: ThreadBody = (context) => {
      const tasks = works(2)(context) as number[];
      ensure(!tasks.includes(2), 'A chunk came out of the ring of small tasks');
    };
    expectNoFault({ ...lane, threads: [changesRing, takesSmall] });
    expectNoFault({
      ...lane,
      threads: [changesRing, takesSmall, works(1, [BULK])],
      mode: within(3),
    });
  });

  test('makes room for others in its ring, in the end', () => {
    /** More tasks than the ring has entries, all but the last taken back if they can be. */
    const fills: ThreadBody = ({ words }) => {
      const owner = new Owner(words);
      for (let task = 1; task < 7; task++) {
        owner.reap();
        const cell = owner.offer(task, NORMAL);
        if (cell >= 0 && task < 6) owner.withdraw(cell);
      }
      return owner;
    };
    expectNoFault({ ...lane, threads: [fills, works(1)], mode: within(3) });
    expectNoFault({ ...lane, threads: [fills, works(2), works(1)], mode: within(2) });
    const alone = expectNoFault({
      ...lane,
      threads: [fills],
      check: (world) => {
        isWhole(world);
        const { published } = world.results[0] as Owner;
        ensure(published.join() === '6', `${published.join()} are left`);
      },
    });
    ensure(alone.schedules === 1, 'There is one order');
  });
});

test('a ring is not filled at the cost of a task that waits in it', () => {
  const keepsTheFirst: ThreadBody = ({ words }) => {
    const owner = new Owner(words);
    owner.offer(1, NORMAL);
    for (let task = 2; task < 7; task++) {
      const cell = owner.offer(task, NORMAL);
      if (cell >= 0) owner.withdraw(cell);
    }
    return owner;
  };
  expectNoFault({ ...lane, threads: [keepsTheFirst] });
  expectNoFault({ ...lane, threads: [keepsTheFirst, works(1)], mode: within(2) });
});

describe('a task that is tried again', () => {
  const publishes =
    (...avoided: number[]): ThreadBody =>
    ({ words }) => {
      const owner = new Owner(words);
      for (const [i, worker] of avoided.entries()) owner.offer(i + 1, RETRY_RING, worker);
      owner.reap();
      return owner;
    };
  /** No worker got what it is to avoid. */
  const avoids = (...avoided: number[]): NonNullable<Case['check']> => {
    return (world) => {
      isWhole(world);
      for (const [i, worker] of avoided.entries()) {
        const tasks = (world.results[worker] ?? []) as number[];
        ensure(!tasks.includes(i + 1), `Worker ${worker} got task ${i + 1}`);
      }
    };
  };

  test('goes to any worker but the one that it is to avoid', () => {
    const [one, both] = [avoids(1), avoids(1, 2)];
    const tries = works(2, [RETRY_RING]);
    expectNoFault({ ...lane, threads: [publishes(1), tries, tries], check: one, mode: within(3) });
    expectNoFault({
      ...lane,
      threads: [publishes(1, 2), tries, tries],
      check: both,
      mode: within(2),
    });
    expectNoFault({
      ...deadly,
      threads: [publishes(1, 2), tries, tries],
      check: both,
      mode: within(1),
    });
  });

  test('does not stand in the way of those behind it', () => {
    expectNoFault({
      ...lane,
      setup: ({ words }) => {
        // Both wait, the first not for worker 1.
        const owner = new Owner(words);
        owner.offer(1, RETRY_RING, 1);
        owner.offer(2, RETRY_RING, 2);
      },
      threads: [() => undefined, works(1, [RETRY_RING]), works(1, [RETRY_RING])],
      check: ({ results, words }) => {
        ensure(String(results[1]) === '2' && String(results[2]) === '1', 'Both can be had');
        ensure(!tableOf(words).waiting, 'None waits');
      },
    });
  });
});

test('what a slow worker lists as finished for one owner of the lane is nothing to the next', () => {
  /** Clears away what is done, as a burial of the former owner does, and goes on with the lane. */
  const takesOver: ThreadBody = ({ words }) => {
    const table = tableOf(words);
    if (table.look(0).state !== DONE) return undefined;
    table.free(0);
    const owner = new Owner(words);
    ensure(owner.offer(2, NORMAL) === 0, 'It goes to another cell');
    owner.reap();
    return owner;
  };
  expectNoFault({
    ...lane,
    setup: ({ words }) => {
      new Owner(words).offer(1, NORMAL);
      tableOf(words).claim(NORMAL, 1);
    },
    threads: [takesOver, ({ words }) => perform(words, tableOf(words).at(0), 1)],
  });
});

test('a cell that is freed while its worker is buried stays free', () => {
  const at = tableOf(new Int32Array(WORDS)).at(0) + STATE;
  expectNoFault({
    ...lane,
    setup: ({ words }) => {
      new Owner(words).offer(1, NORMAL);
      perform(words, tableOf(words).claim(NORMAL, 1), 1);
    },
    threads: [({ words }) => tableOf(words).free(0), ({ words }) => tableOf(words).orphan(1)],
    check: ({ raw }) => ensure(stateOf(raw[at]!) === FREE, 'It is not free'),
  });
});
