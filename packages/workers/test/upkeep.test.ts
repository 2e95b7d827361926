import { Upkeep, type Household } from '@millrace/workers/internal';
import { expect, test } from 'vitest';
import { until } from './until.ts';

const SETTINGS = { threads: 8, minThreads: 8, recycle: { afterMs: Infinity, overBytes: Infinity } };

test('a task that a thread claims while threads are counted has no other thread started', async () => {
  // Two tasks wait. One thread has nothing to do, and another is on its way.
  let waiting = 2;
  const wanted: number[] = [];
  const threads = [{ state: 'ready', ready: { id: 1 } }, { state: 'starting' }];
  const household = {
    threads,
    vacant: 6,
    get waiting() {
      return waiting;
    },
    get unclaimed() {
      return waiting;
    },
    hasBegun: () => true,
    // It takes one just as it is looked at.
    isBusy: () => {
      waiting = 1;
      return true;
    },
    start: (count: number) => wanted.push(count),
  } as unknown as Household;
  const upkeep = new Upkeep(SETTINGS as ConstructorParameters<typeof Upkeep>[0], household);
  upkeep.growSoon();
  await until(() => wanted.length > 0);
  upkeep.stop();
  expect(wanted[0]).toBe(0);
});
