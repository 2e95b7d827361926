/** The settings of a `BufferAnalyzer`, and what they are when nothing is said. */

import { checkedManagerConfig, MillraceError, type BufferSizes } from '@millrace/core';

/** How far a `BufferAnalyzer` looks back and ahead. */
export interface AnalyzerConfig {
  /**
   * Patterns tell of the last so many milliseconds. The window slides in twelfths of itself.
   *
   * @defaultValue 1 hour
   */
  readonly patternWindowSizeMs: number;
  /**
   * Trends tell of the last so many milliseconds. They are looked for in 20 steps.
   *
   * @defaultValue 24 hours
   */
  readonly trendAnalysisPeriodMs: number;
  /**
   * The predicted peak is looked for in the next so many milliseconds; at most 7 days.
   *
   * @defaultValue 24 hours
   */
  readonly predictionHorizonMs: number;
  /**
   * From 0 to 1: with less confidence in the forecast than this, no peak is predicted.
   *
   * @defaultValue 0.8
   */
  readonly confidenceThreshold: number;
  /**
   * Bytes of a buffer of each class, unless its `allocated` said otherwise.
   *
   * @defaultValue 4 KiB, 64 KiB, 1 MiB, 4 MiB
   */
  readonly bufferSizes: BufferSizes;
}

/** {@link AnalyzerConfig}, as it may be said. */
export type AnalyzerOptions = {
  readonly [Name in keyof AnalyzerConfig]?:
    (Name extends 'bufferSizes' ? Partial<BufferSizes> : AnalyzerConfig[Name]) | undefined;
};

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

/**
 * The settings as they are used, checked.
 *
 * @throws `ERR_INVALID_ARG` for a time that is not positive and finite, a horizon of more than a week, a threshold
 * outside 0 to 1, sizes that do not ascend
 */
export function checkedAnalyzerConfig(config: AnalyzerOptions = {}): AnalyzerConfig {
  const checked = {
    patternWindowSizeMs: config.patternWindowSizeMs ?? HOUR_MS,
    trendAnalysisPeriodMs: config.trendAnalysisPeriodMs ?? 24 * HOUR_MS,
    predictionHorizonMs: config.predictionHorizonMs ?? 24 * HOUR_MS,
    confidenceThreshold: config.confidenceThreshold ?? 0.8,
    bufferSizes: checkedManagerConfig({ bufferSizes: config.bufferSizes }).bufferSizes,
  };
  checkTime('patternWindowSizeMs', checked.patternWindowSizeMs, Number.MAX_SAFE_INTEGER);
  checkTime('trendAnalysisPeriodMs', checked.trendAnalysisPeriodMs, Number.MAX_SAFE_INTEGER);
  checkTime('predictionHorizonMs', checked.predictionHorizonMs, WEEK_MS);
  const { confidenceThreshold } = checked;
  if (!(confidenceThreshold >= 0 && confidenceThreshold <= 1)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot analyse buffers as confidenceThreshold must be from 0 to 1: current value is ${confidenceThreshold}`,
    );
  }
  return checked;
}

function checkTime(name: string, value: number, most: number): void {
  if (value > 0 && value <= most) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot analyse buffers as ${name} must be positive and at most ${most}: current value is ${value}`,
  );
}
