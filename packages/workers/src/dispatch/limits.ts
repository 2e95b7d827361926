/** What bounds the work of a mill: what users may say, checked here, and what they get when they say nothing. */
import { MillraceError, type CheckedConfig } from '@millrace/core';
import { invalidSetting } from '@millrace/core/internal';
import type { LargeLimits } from './large-operations.js';

const KiB = 1024;
const LONGEST_MS = 2 ** 31 - 1;

export interface LimitOptions {
  /**
   * The most tasks that may wait or run at a time: with more, `run` rejects with `ERR_QUEUE_FULL`, and
   * `ready` waits. Flows bound themselves, and are not counted against it. @defaultValue Infinity
   */
  maxQueue?: number;
  /** How long a task that was aborted or ran out of time may go on before its thread is ended. @defaultValue 1000 */
  graceMs?: number;
  /**
   * From how many bytes on an object is large. Work on one is a large operation, and so is a flow whose
   * size is not known beforehand. @defaultValue 256 KiB
   */
  largeObjectThreshold?: number;
  /**
   * The most large operations that may be at work at a time. The others wait, first come, first served;
   * small ones never wait for them. @defaultValue `threads`, and at least 2
   */
  maxConcurrentLargeOps?: number;
  /**
   * Caps large operations by bytes instead of by number: the objects of those at work are no larger than
   * this together. One that is larger by itself, or of unknown size, works alone. @defaultValue none
   */
  maxLargeOpBytes?: number;
}

export interface Limits {
  readonly maxQueue: number;
  readonly graceMs: number;
  readonly large: LargeLimits;
}

/** What all who submit go by. */
export interface CommonLimits extends Limits {
  readonly adaptive: CheckedConfig;
}

/** @throws MillraceError `ERR_INVALID_ARG` */
export function checkedLimits(options: LimitOptions, threads: number): Limits {
  const { maxQueue = Infinity, graceMs = 1000, maxLargeOpBytes } = options;
  const { largeObjectThreshold = 256 * KiB } = options;
  const { maxConcurrentLargeOps = Math.max(2, threads) } = options;
  need('maxQueue', maxQueue, isCount(maxQueue) || maxQueue === Infinity, 'an integer of 1 or more');
  need('graceMs', graceMs, graceMs >= 0 && graceMs <= LONGEST_MS, `from 0 to ${LONGEST_MS}`);
  need(
    'largeObjectThreshold',
    largeObjectThreshold,
    isCount(largeObjectThreshold),
    'an integer of 1 or more',
  );
  need(
    'maxConcurrentLargeOps',
    maxConcurrentLargeOps,
    isCount(maxConcurrentLargeOps) && maxConcurrentLargeOps < 2 ** 31,
    'an integer from 1 to 2147483647',
  );
  need(
    'maxLargeOpBytes',
    maxLargeOpBytes,
    maxLargeOpBytes === undefined || (isCount(maxLargeOpBytes) && maxLargeOpBytes >= 4 * KiB),
    'an integer of 4096 or more',
  );
  if (maxLargeOpBytes !== undefined && options.maxConcurrentLargeOps !== undefined) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      'Cannot use both "maxConcurrentLargeOps" and "maxLargeOpBytes" as large operations are capped by one of them',
    );
  }
  const large = {
    threshold: largeObjectThreshold,
    most: maxConcurrentLargeOps,
    mostBytes: maxLargeOpBytes,
  };
  return { maxQueue, graceMs, large };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function need(field: string, value: unknown, fits: boolean, rule: string): void {
  if (fits) return;
  throw invalidSetting('use', field, value, rule);
}
