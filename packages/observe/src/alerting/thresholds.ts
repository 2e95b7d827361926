/** When the built-in rules raise an alert, as long as nothing else is said. */
import { invalidSetting } from '@millrace/core/internal';

export interface BufferThresholds {
  /** Bytes that all buffers may take. @defaultValue 1 GiB */
  readonly maxMemoryUsage: number;
  /**
   * The part of the gets of an interval that must be served from the stock, 0 to 1. Fewer than 20 gets tell nothing.
   *
   * @defaultValue 0.8
   */
  readonly minHitRate: number;
  /**
   * The part of the buffers in use that may have been so for longer than `leakAfterMs`, 0 to 1. That setting of the
   * manager is `Infinity` unless you say otherwise, and then nothing is a leak.
   *
   * @defaultValue 0.01
   */
  readonly maxLeakRate: number;
  /** The part of the buffers coming back in an interval that may be unfit, 0 to 1. @defaultValue 0.001 */
  readonly maxCorruptionRate: number;
  /** Buffers that a pool may have, in stock and in use. @defaultValue 10 000 */
  readonly poolSizeThreshold: number;
}

/** @throws MillraceError `ERR_INVALID_ARG`, which names the field, its value and the rule */
export function checkedThresholds(thresholds: Partial<BufferThresholds> = {}): BufferThresholds {
  const { maxMemoryUsage = 1024 ** 3, minHitRate = 0.8 } = thresholds;
  const { maxLeakRate = 0.01, maxCorruptionRate = 0.001, poolSizeThreshold = 10_000 } = thresholds;
  needAtLeastZero('maxMemoryUsage', maxMemoryUsage);
  needAtLeastZero('poolSizeThreshold', poolSizeThreshold);
  needPart('minHitRate', minHitRate);
  needPart('maxLeakRate', maxLeakRate);
  needPart('maxCorruptionRate', maxCorruptionRate);
  return { maxMemoryUsage, minHitRate, maxLeakRate, maxCorruptionRate, poolSizeThreshold };
}

/** @throws MillraceError `ERR_INVALID_ARG` */
export function needAtLeastZero(name: string, value: number): void {
  need(name, value, value >= 0, 'a number of 0 or more');
}

/** @throws MillraceError `ERR_INVALID_ARG` */
export function needPart(name: string, value: number): void {
  need(name, value, value >= 0 && value <= 1, 'a number from 0 to 1');
}

function need(name: string, value: number, holds: boolean, rule: string): void {
  if (typeof value === 'number' && holds) return;
  throw invalidSetting('watch buffers with', name, value, rule);
}
