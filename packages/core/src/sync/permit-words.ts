/** How many words a semaphore and its parts take: for whoever lays out memory, and may use none. */
import { LINE, MAX_THREADS } from '../memory/layout.js';

/** Where the wait line of a semaphore begins, in words. */
export const WAIT_LINE = 2 * LINE;

/** Words of a wait line whose threads have ids up to `maxThread`. */
export function waitLineWords(maxThread: number = MAX_THREADS - 1): number {
  return (1 + maxThread) * LINE;
}

/** Words of a semaphore, and of its ledger, for threads with ids up to `maxThread`. */
export function semaphoreWords(maxThread: number = MAX_THREADS - 1): number {
  return WAIT_LINE + waitLineWords(maxThread);
}
