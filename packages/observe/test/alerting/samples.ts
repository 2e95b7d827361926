/** Samples by hand: all is well in them, but for what is said. */
import type { BufferSample, ClassSample } from '@millrace/observe';
import type { BufferClass } from '@millrace/core';

export const WELL: ClassSample = {
  retrieved: 100,
  hits: 100,
  returned: 100,
  corrupted: 0,
  failed: 0,
  inUse: 5,
  inStock: 5,
  recentPeak: 10,
  memoryUsage: 40_960,
  leaked: 0,
  longestHeldMs: 0,
  pools: 1,
  bufferSize: 4096,
  initialSize: 0,
  maxSize: 64,
  validateOnGet: true,
  validateOnPut: true,
};

export function sampleAt(
  timestampMs: number,
  changes: Partial<Record<BufferClass, Partial<ClassSample>>> = {},
): BufferSample {
  const classes = {
    small: { ...WELL, ...changes.small },
    medium: { ...WELL, ...changes.medium },
    large: { ...WELL, ...changes.large },
    huge: { ...WELL, ...changes.huge },
  };
  const memoryUsage = Object.values(classes).reduce((sum, each) => sum + each.memoryUsage, 0);
  return { timestampMs, memoryUsage, classes };
}
