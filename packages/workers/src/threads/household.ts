/** What upkeep goes by and can do, from those who know. */
import type { ThreadId } from '@millrace/core';
import type { Workforce } from '../dispatch/workforce.js';
import type { Tenants } from './tenants.js';
import type { Threads } from './threads.js';
import type { Household } from './upkeep.js';

export function householdOf(
  threads: Threads,
  workforce: Workforce,
  tenants: () => Tenants | undefined,
): Household {
  const isHome = (id: ThreadId): boolean => tenants()?.livesIn(id) ?? false;
  return {
    get threads() {
      return threads.all;
    },
    get vacant() {
      return threads.vacant;
    },
    get waiting() {
      return workforce.waiting;
    },
    get unclaimed() {
      return workforce.unclaimed;
    },
    announceVacancy: () => workforce.announceVacancy(),
    finishedBy: (id) => workforce.finishedBy(id),
    hasBegun: (id) => workforce.hasBegun(id),
    isBusy: (id) => workforce.isBusy(id) || isHome(id),
    isHome,
    heapOf: (id) => workforce.heapOf(id),
    dismiss: (thread, superfluous) => {
      thread.leaves(superfluous);
      workforce.askToLeave(thread.ready!.id);
    },
    start: (count) => threads.start(count),
  };
}
