/** The settings of the mill's threads: what users may say, checked here, and what they get when they say nothing. */
import { availableParallelism } from 'node:os';
import { SHARE_ENV, type ResourceLimits } from 'node:worker_threads';
import { invalidSetting } from '@millrace/core/internal';

const MOST_THREADS = 120;
const MOST_NICE = 19;
/** The longest that a timer of Node's can run. */
const LONGEST_MS = 2 ** 31 - 1;
const LIMITS: readonly (keyof ResourceLimits)[] = [
  'maxYoungGenerationSizeMb',
  'maxOldGenerationSizeMb',
  'codeRangeSizeMb',
  'stackSizeMb',
];

/** When a thread makes way for a new one. It finishes what it has begun first. */
export interface RecycleOptions {
  /** After so many tasks, exactly. @defaultValue Infinity */
  afterTasks?: number;
  /** When it has lived so long; one thread at a time. @defaultValue Infinity */
  afterMs?: number;
  /** When its JavaScript heap is larger; looked at now and then, one thread at a time. @defaultValue Infinity */
  overBytes?: number;
}

export interface ThreadOptions {
  /** The most worker threads, 1 to 120. @defaultValue `os.availableParallelism()` */
  threads?: number;
  /**
   * How many threads stay when there is nothing to do, 0 to `threads`. `createMill` starts these: at once as many as
   * find a processor beside its own thread, the others when tasks wait for them, or a moment later.
   *
   * @defaultValue `threads`
   */
  minThreads?: number;
  /**
   * After how long with nothing to do a thread above `minThreads` ends. It starts again when tasks wait
   * and all others are busy.
   *
   * @defaultValue 10 000
   */
  idleTimeoutMs?: number;
  recycle?: RecycleOptions;
  /** Node's limits for each thread, in MiB. A thread that exceeds them dies and is replaced. @defaultValue Node's */
  resourceLimits?: ResourceLimits;
  /**
   * How much nicer than the process the threads are, 0 to 19. With 10, say, the main thread gets a processor at once
   * while all threads compute; so do other processes, among which the threads get next to nothing then. Ops that breathe
   * let the main thread have one in any case. Linux alone; `stats().threads` tells. @defaultValue 0
   */
  nice?: number;
  /** Threads are named `name-1`, `name-2` …, on Linux in `top -H` too, which shows 15 characters. @defaultValue 'mill' */
  name?: string;
  /** The threads' `process.env`, or `SHARE_ENV`. @defaultValue a copy of the process's */
  env?: NodeJS.ProcessEnv | typeof SHARE_ENV;
  /** Options of Node's for the threads, such as `['--import', 'tsx']`. @defaultValue none */
  execArgv?: readonly string[];
  /**
   * When so many threads have died, and no task was completed in between, the mill gives up: whatever
   * is asked of it fails with `ERR_MILL_UNHEALTHY`.
   *
   * @defaultValue 8, or 4 × `threads` if that is more
   */
  maxDeathsInARow?: number;
}

/** The options, complete. */
export interface ThreadSettings {
  readonly threads: number;
  readonly minThreads: number;
  readonly idleTimeoutMs: number;
  readonly recycle: Required<RecycleOptions>;
  readonly resourceLimits: ResourceLimits | undefined;
  readonly nice: number;
  readonly name: string;
  readonly env: NodeJS.ProcessEnv | typeof SHARE_ENV | undefined;
  readonly execArgv: readonly string[];
  readonly maxDeathsInARow: number;
}

/** @throws MillraceError `ERR_INVALID_ARG` */
export function checked(options: ThreadOptions): ThreadSettings {
  const { threads = availableParallelism(), idleTimeoutMs = 10_000, recycle = {} } = options;
  count('threads', threads, 1, MOST_THREADS);
  const { minThreads = threads, nice = 0, name = 'mill', resourceLimits, env } = options;
  const { execArgv = [], maxDeathsInARow = Math.max(8, 4 * threads) } = options;
  count('minThreads', minThreads, 0, threads);
  time('idleTimeoutMs', idleTimeoutMs);
  count('nice', nice, 0, MOST_NICE);
  need('name', name, typeof name === 'string' && name !== '', 'a string that is not empty');
  if (maxDeathsInARow !== Infinity) count('maxDeathsInARow', maxDeathsInARow, 1, Infinity);
  need(
    'env',
    env,
    env === undefined || env === SHARE_ENV || isObject(env),
    'an object, or SHARE_ENV',
  );
  need(
    'execArgv',
    execArgv,
    Array.isArray(execArgv) && execArgv.every((argument) => typeof argument === 'string'),
    'an array of strings',
  );
  return {
    threads,
    minThreads,
    idleTimeoutMs,
    recycle: checkedRecycling(recycle),
    resourceLimits: checkedLimits(resourceLimits),
    nice,
    name,
    env,
    execArgv,
    maxDeathsInARow,
  };
}

function checkedRecycling(recycle: RecycleOptions): Required<RecycleOptions> {
  fields('recycle', recycle, ['afterTasks', 'afterMs', 'overBytes']);
  const { afterTasks = Infinity, afterMs = Infinity, overBytes = Infinity } = recycle;
  if (afterTasks !== Infinity) count('recycle.afterTasks', afterTasks, 1, Infinity);
  time('recycle.afterMs', afterMs);
  if (overBytes !== Infinity) count('recycle.overBytes', overBytes, 1, Infinity);
  return { afterTasks, afterMs, overBytes };
}

function checkedLimits(limits: ResourceLimits | undefined): ResourceLimits | undefined {
  if (limits === undefined) return undefined;
  fields('resourceLimits', limits, LIMITS);
  for (const field of LIMITS) {
    const value = limits[field];
    const fits =
      value === undefined || (typeof value === 'number' && value > 0 && value < Infinity);
    need(`resourceLimits.${field}`, value, fits, 'a positive number, in MiB');
  }
  return { ...limits };
}

function count(field: string, value: unknown, least: number, most: number): void {
  const fits =
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
  const range =
    most === Infinity ? `of at least ${least}, or Infinity` : `from ${least} to ${most}`;
  need(field, value, fits, `an integer ${range}`);
}

function time(field: string, value: unknown): void {
  const fits =
    value === Infinity || (typeof value === 'number' && value > 0 && value <= LONGEST_MS);
  need(
    field,
    value,
    fits,
    `a positive number of at most ${LONGEST_MS}, in milliseconds, or Infinity`,
  );
}

function fields(field: string, value: object, known: readonly string[]): void {
  need(field, value, isObject(value), 'an object');
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  need(field, unknown, unknown === undefined, `an object with some of ${known.join(', ')}`);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function need(field: string, value: unknown, fits: boolean, rule: string): void {
  if (fits) return;
  throw invalidSetting('use', field, value, rule);
}
