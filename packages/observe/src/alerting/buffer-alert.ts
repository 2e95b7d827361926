/** What alerting tells: that something is wrong, how wrong, what to do about it, and when it is over. */
import type { BufferClass } from '@millrace/core';

/**
 * - `high-memory-usage`: buffers take more than `maxMemoryUsage` bytes
 * - `low-hit-rate`: fewer gets than `minHitRate` were served from the stock
 * - `buffer-leak`: more than `maxLeakRate` of the buffers in use have been so for longer than `leakAfterMs`
 * - `corruption`: more than `maxCorruptionRate` of the buffers that came back were unfit
 * - `pool-size`: a pool has more than `poolSizeThreshold` buffers
 * - `exhaustion`: there was no memory for a get
 * - `custom`: what a rule of the user's says
 */
export type BufferAlertType =
  | 'high-memory-usage'
  | 'low-hit-rate'
  | 'buffer-leak'
  | 'corruption'
  | 'pool-size'
  | 'exhaustion'
  | 'custom';

export type AlertSeverity = 'info' | 'warning' | 'error' | 'critical';

/** From the mildest. */
export const ALERT_SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'error', 'critical'];

export interface BufferAlert {
  readonly type: BufferAlertType;
  /** The name of the rule that it is of. */
  readonly rule: string;
  readonly severity: AlertSeverity;
  /** Whether it is wrong now, or over. */
  readonly state: 'raised' | 'resolved';
  readonly message: string;
  /** Which class it is about; `undefined` when about none of them more than others. */
  readonly class: BufferClass | undefined;
  /** The figures that it was judged by: `value`, `limit`, and what led to them. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The time of the sample that it was judged by, in milliseconds. */
  readonly timestamp: number;
  /** What to do about it, each with a setting and a value. None when it is over. */
  readonly suggestions: readonly string[];
}

/** Is told of alerts; what it throws, or rejects with, harms nobody and is counted. */
export interface BufferAlertHandler {
  handleAlert(alert: BufferAlert): void | Promise<void>;
}
