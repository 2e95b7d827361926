/** What coordinator and worker post to each other; nothing of it lies on the path of a task that succeeds. */
import type { MessagePort } from 'node:worker_threads';
import type { ArenaRenewal, MemoryHandle, ThreadId } from '@millrace/core';
import type { CommonLimits } from '../dispatch/limits.js';
import type { Announcement, Withdrawal } from '../ops/configurations.js';
import type { GuestRequest } from '../ops/guests.js';
import type { Warmth } from '../ops/warmth.js';

/** Main → worker, as it starts. */
export interface Birth {
  readonly name: string;
  /** How much nicer than the process it is to be. */
  readonly nice: number;
  /** The folder of core's joined files: looking for them takes 2 ms. The bundles ask for it by this name. */
  readonly millraceCore: string;
}

/** Worker → main: the thread has started, and this is its control port. */
export interface Hello {
  readonly millrace: 'hello';
  readonly port: MessagePort;
  /** The niceness that it runs at, if that is not the process's. */
  readonly nice: number | undefined;
}

/** Worker → main, over piscina: a task that the thread had submitted does not listen, and its thread must be ended. */
export interface Stuck {
  readonly millrace: 'stuck';
  readonly worker: number;
}

/** Worker → main, over piscina: the thread has submitted a task, and there could be more threads. */
export interface VacancyTaken {
  readonly millrace: 'vacancy';
}

/** Main → worker: all it needs to begin. */
export interface Welcome {
  readonly thread: ThreadId;
  readonly memory: MemoryHandle;
  /** The handle of the monitor, if there is one. */
  readonly monitor: unknown;
  readonly dispatch: SharedArrayBuffer;
  readonly ops: readonly Announcement[];
  /** The most workers there can be. */
  readonly threads: number;
  readonly limits: CommonLimits;
  /** Where the system tells of the mill's own thread, if it does. */
  readonly millStat: string | undefined;
  /** How many workers may look for work at one time. */
  readonly spinners: number;
  /** After how many tasks it is to leave. */
  readonly afterTasks: number;
  /** Whether to tell how large its heap is. */
  readonly tellHeap: boolean;
  /** What to import before it begins. */
  readonly warmth: Warmth;
}

/** Main → worker, over the control port. */
export type WorkerMessage = Announcement | Withdrawal | Renewal | GuestRequest | Warmth;

/** An idle arena was dropped, and this is the one in its place. */
export interface Renewal {
  readonly type: 'renewal';
  readonly renewal: ArenaRenewal;
}

/** Counters that each worker keeps, in its own stripe. */
export const TASKS_RUN = 0;
export const BYTES_IN = 1;
export const BYTES_OUT = 2;
/** Tasks that it has ended, well or not, whoever had submitted them. */
export const TASKS_ENDED = 3;
/** How often it has let the mill's own thread have its processor. */
export const GAVE_WAY = 4;
export const WORKER_COUNTERS = 5;
