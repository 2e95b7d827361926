/** Makes a sample for alerting of the figures of an interval. */
import type { BufferClass } from '@millrace/core';
import type { BufferSample, ClassSample } from '../alerting/buffer-sample.js';
import type { SummedFigures } from './figures.js';

/** @param failed gets in the interval for which there was no memory, by class */
export function sampleOf(
  timestampMs: number,
  { memoryUsage, classes }: SummedFigures,
  failed: ReadonlyMap<BufferClass, number>,
): BufferSample {
  const classOf = (of: BufferClass): ClassSample => ({
    ...classes[of],
    failed: failed.get(of) ?? 0,
    validateOnGet: classes[of].validateOnGet === 1,
    validateOnPut: classes[of].validateOnPut === 1,
  });
  return {
    timestampMs,
    memoryUsage,
    classes: {
      small: classOf('small'),
      medium: classOf('medium'),
      large: classOf('large'),
      huge: classOf('huge'),
    },
  };
}
