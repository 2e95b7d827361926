/**
 * Upkeep: which threads should leave, and when more are needed.
 *
 * Now and then it looks at the threads: one above the least that has had nothing to do for long leaves for
 * good; one that is old, or whose heap is large, leaves for another. It looks only where the settings ask
 * for that. Threads start again when tasks have waited for a moment, all others being busy.
 */
import type { ThreadId } from '@millrace/core';
import type { ThreadSettings } from './settings.js';
import type { Thread } from './thread.js';

/** How often to look: a few times in the shortest of the times that matter. */
const LEAST_PERIOD_MS = 5;
const MOST_PERIOD_MS = 500;
/** Tasks that wait for longer than this want another thread: a parked one would have woken. */
const GROW_AFTER_MS = 2;

/** What upkeep goes by, and what it can do. */
export interface Household {
  readonly threads: readonly Thread[];
  readonly vacant: number;
  /** Has whoever submits a task from now on tell. */
  announceVacancy(): void;
  /** How many tasks no thread has taken yet, or a few more. */
  readonly waiting: number;
  /** The same, exactly. */
  readonly unclaimed: number;
  /** A number that changes with every task that a thread finishes. */
  finishedBy(id: ThreadId): number;
  /** Whether a thread that is ready has come to look for work. */
  hasBegun(id: ThreadId): boolean;
  isBusy(id: ThreadId): boolean;
  /** Whether something lives there that must not lose its thread. */
  isHome(id: ThreadId): boolean;
  heapOf(id: ThreadId): number;
  /** Has a thread leave; for good, or for another. */
  dismiss(thread: Thread, superfluous: boolean): void;
  start(count: number): void;
}

export class Upkeep {
  readonly #settings: ThreadSettings;
  readonly #household: Household;
  readonly #idle = new WeakMap<Thread, { finished: number; sinceMs: number }>();
  readonly #looking: NodeJS.Timeout | undefined;
  #growing: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(settings: ThreadSettings, household: Household) {
    this.#settings = settings;
    this.#household = household;
    const { threads, minThreads, idleTimeoutMs, recycle } = settings;
    const shrinks = minThreads < threads && idleTimeoutMs < Infinity;
    const recycles = recycle.afterMs < Infinity || recycle.overBytes < Infinity;
    if (!shrinks && !recycles) return;
    const shortestMs = Math.min(shrinks ? idleTimeoutMs : Infinity, recycle.afterMs);
    const periodMs = Math.min(MOST_PERIOD_MS, Math.max(LEAST_PERIOD_MS, shortestMs / 4));
    this.#looking = setInterval(() => this.#look(), periodMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#looking);
    clearTimeout(this.#growing);
  }

  /** Tasks wait, or may wait, while there could be more threads. */
  growSoon(): void {
    if (this.#household.threads.length === 0) this.#household.start(1);
    if (this.#stopped) return;
    this.#growing ??= setTimeout(() => this.#grow(), GROW_AFTER_MS).unref();
  }

  /** There could be more threads, perhaps: they start when tasks wait now, or when some are submitted anywhere. */
  lookForTasks(): void {
    if (this.#stopped || this.#household.vacant === 0) return;
    this.#household.announceVacancy();
    if (this.#household.waiting > 0) this.growSoon();
  }

  #grow(): void {
    this.#growing = undefined;
    const { waiting, threads, vacant } = this.#household;
    if (waiting === 0 || vacant === 0) {
      this.lookForTasks();
      return;
    }
    const coming = threads.filter(({ state, ready }) =>
      ready ? !this.#household.hasBegun(ready.id) : state === 'starting',
    ).length;
    // One that has nothing to do will take a task as soon as it gets a processor.
    const free = threads.filter(
      ({ state, ready }) =>
        state === 'ready' &&
        ready &&
        this.#household.hasBegun(ready.id) &&
        !this.#household.isBusy(ready.id),
    ).length;
    // Last: what a thread has claimed since it was counted as free would want another one else.
    this.#household.start(this.#household.unclaimed - coming - free);
    // Were those that start now not to do, no task may come to tell.
    this.growSoon();
  }

  #look(): void {
    const { threads } = this.#household;
    const { minThreads, recycle } = this.#settings;
    const now = performance.now();
    let spare = threads.filter(({ superfluous }) => !superfluous).length - minThreads;
    // Those that leave for another go one at a time, so that the others keep up the work.
    let settled = threads.every(({ state }) => state === 'ready');
    for (const thread of threads) {
      if (thread.state !== 'ready' || !thread.ready) continue;
      const { id } = thread.ready;
      // Who has not begun yet has not had its chance: it would be dismissed before it can take a task, and so the next.
      if (!this.#household.hasBegun(id) || this.#household.isHome(id)) continue;
      if (spare > 0 && this.#hasBeenIdle(thread, id, now)) {
        spare--;
        this.#household.dismiss(thread, true);
      } else if (
        settled &&
        (now - thread.bornMs > recycle.afterMs || this.#household.heapOf(id) > recycle.overBytes)
      ) {
        settled = false;
        this.#household.dismiss(thread, false);
      }
    }
  }

  #hasBeenIdle(thread: Thread, id: ThreadId, now: number): boolean {
    const finished = this.#household.finishedBy(id);
    const last = this.#idle.get(thread);
    if (last?.finished === finished && now - last.sinceMs < this.#settings.idleTimeoutMs)
      return false;
    if (last?.finished === finished && !this.#household.isBusy(id)) return true;
    this.#idle.set(thread, { finished, sinceMs: now });
    return false;
  }
}
