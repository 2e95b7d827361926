/**
 * Buffer classes: what a buffer manager has pools for. Upper bounds are inclusive.
 *
 *   1 ─── small ─── 4 KiB ─── medium ─── 64 KiB ─── large ─── 1 MiB ─── huge, in buffers of 4 MiB ───▶
 */

/** By size; the bounds are settings: see {@link BufferSizes}. */
export type BufferClass = 'small' | 'medium' | 'large' | 'huge';

/** All classes, by size. */
export const BUFFER_CLASSES: readonly BufferClass[] = ['small', 'medium', 'large', 'huge'];

/**
 * How many bytes the buffers of each class have, ascending. A class serves whatever is larger than the
 * buffers of the class before and fits its own; what is larger than all of them is `huge`.
 */
export type BufferSizes = Readonly<Record<BufferClass, number>>;

const KiB = 1024;
const MiB = 1024 * KiB;

export const DEFAULT_BUFFER_SIZES: BufferSizes = {
  small: 4 * KiB,
  medium: 64 * KiB,
  large: 1 * MiB,
  huge: 4 * MiB,
};

/** The class that serves `size` bytes. */
export function bufferClassOf(
  size: number,
  sizes: BufferSizes = DEFAULT_BUFFER_SIZES,
): BufferClass {
  if (size <= sizes.small) return 'small';
  if (size <= sizes.medium) return 'medium';
  return size <= sizes.large ? 'large' : 'huge';
}
