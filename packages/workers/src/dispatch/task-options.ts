/** On what terms a user wants a task to run. */
import { MillraceError, type BufferPoolStrategy } from '@millrace/core';
import { invalidSetting } from '@millrace/core/internal';
import type { Priority } from './claims.js';
import { USUAL_TERMS, type Terms } from './task.js';

export type TaskPriority = 'critical' | 'high' | 'normal' | 'low';

export interface TaskOptions {
  /**
   * Which tasks go first. None waits for ever: each of the lower ones has its turn, once in 64 tasks.
   *
   * @defaultValue 'normal'
   */
  readonly priority?: TaskPriority;
  /**
   * Ends the task: at once when no thread has begun it, else as soon as its op returns. The op is told by
   * `context.cancelled` and `context.signal`; if it does not listen, its thread is ended after `graceMs`.
   */
  readonly signal?: AbortSignal;
  /** How long the op may run, in ms from when a thread begins it. Then it ends as by `signal`. @defaultValue no limit */
  readonly timeoutMs?: number;
  /**
   * Tries again when the op fails, `times` times at most and with another thread if there is one, after
   * `backoffMs` (0 by default) the first time, twice that the second time, and so on. In-place ops are
   * not tried again, since they may have changed their bytes already.
   */
  readonly retry?: { readonly times: number; readonly backoffMs?: number };
}

export interface RunOptions extends TaskOptions {
  /**
   * How bytes are held, for an op that says how to cut its input: `pooled` in one slice, `chunked` in the
   * chunks of a window, `direct` in as few of them as keep all threads at work. An op that does not say so
   * has `pooled` alone. A slice stays where it lies. @defaultValue 'adaptive': by its size
   */
  readonly strategy?: BufferPoolStrategy;
}

const PRIORITIES: Readonly<Record<TaskPriority, Priority>> = {
  critical: 0,
  high: 1,
  normal: 2,
  low: 3,
};
const MOST_MS = 2 ** 31 - 1;

/** @throws MillraceError `ERR_INVALID_ARG` */
export function termsOf({ priority = 'normal', timeoutMs, retry }: TaskOptions): Terms {
  const level = Object.hasOwn(PRIORITIES, priority) ? PRIORITIES[priority] : undefined;
  if (level === undefined) {
    throw invalid('priority', priority, `one of ${Object.keys(PRIORITIES).join(', ')}`);
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= MOST_MS)) {
    throw invalid('timeoutMs', timeoutMs, `more than 0 and at most ${MOST_MS}`);
  }
  const { times = 0, backoffMs = 0 } = retry ?? {};
  if (!(Number.isInteger(times) && times >= 0)) {
    throw invalid('retry.times', times, 'an integer of 0 or more');
  }
  if (!(backoffMs >= 0 && backoffMs <= MOST_MS)) {
    throw invalid('retry.backoffMs', backoffMs, `from 0 to ${MOST_MS}`);
  }
  return { ...USUAL_TERMS, priority: level, timeoutMs: timeoutMs ?? 0, retries: times, backoffMs };
}

export function abortedBy(signal: AbortSignal): MillraceError {
  return new MillraceError('ERR_ABORTED', 'The task was aborted', { cause: signal.reason });
}

function invalid(name: string, value: unknown, rule: string): MillraceError {
  return invalidSetting('run a task with', name, value, rule);
}
