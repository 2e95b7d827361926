/** The settings of the adaptive layer of a mill: those of an adaptive pool, which shares two with the mill itself. */
import {
  SMALL_BYTES,
  checkedConfig,
  type BufferPoolConfig,
  type BufferPools,
  type CheckedConfig,
} from '@millrace/core';
import type { LargeLimits } from '../dispatch/large-operations.js';

const MiB = 1024 * 1024;
const SMALLEST_BUFFER = 4096;
/** Very large objects begin at so many times where large ones do. */
const VERY_LARGE = 4;

/** `largeObjectThreshold` and `maxConcurrentLargeOps` are the mill's own settings. */
export type AdaptiveOptions = Omit<
  BufferPoolConfig,
  'largeObjectThreshold' | 'maxConcurrentLargeOps'
>;

/**
 * What is smaller than 32 KiB is small to the strategies, even if the mill's cap counts it as large.
 *
 * @throws MillraceError `ERR_INVALID_ARG`
 */
export function checkedAdaptive(
  options: AdaptiveOptions,
  { threshold, most }: LargeLimits,
  { memoryBytes, largest }: BufferPools,
): CheckedConfig {
  const largeObjectThreshold = Math.max(SMALL_BYTES, threshold);
  const { minBufferSize = SMALLEST_BUFFER } = options;
  // More of them than there are smallest buffers wait for memory anyhow.
  const maxConcurrentLargeOps = Math.max(
    1,
    Math.min(most, Math.floor(memoryBytes / minBufferSize)),
  );
  const veryLargeObjectThreshold =
    options.veryLargeObjectThreshold ?? Math.max(MiB, VERY_LARGE * largeObjectThreshold);
  return checkedConfig(
    { ...options, largeObjectThreshold, veryLargeObjectThreshold, maxConcurrentLargeOps },
    memoryBytes,
    largest,
  );
}
