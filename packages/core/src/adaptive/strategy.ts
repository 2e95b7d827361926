/**
 * Strategies: how an object is held while it is worked on.
 *
 *   pooled    in one slice
 *   chunked   a chunk at a time, in slices that are used again for the next
 *   direct    a chunk at a time, in private memory: the pools are not touched
 *   adaptive  whichever of these its size asks for
 */
import { MillraceError } from '../errors.js';
import type { Thresholds } from './category.js';

/** How an object is held while it is worked on; `adaptive` picks one of the others by its size. */
export type BufferPoolStrategy = 'pooled' | 'chunked' | 'direct' | 'adaptive';

/** What `adaptive` picks from. */
export type PlainStrategy = Exclude<BufferPoolStrategy, 'adaptive'>;

export const STRATEGIES: readonly BufferPoolStrategy[] = [
  'pooled',
  'chunked',
  'direct',
  'adaptive',
];

/** What the choice goes by. */
export interface StrategyChoice extends Thresholds {
  readonly enabled: boolean;
  readonly largeObjectStrategy: BufferPoolStrategy;
}

/** The strategy for an object of `size` bytes; for one of unknown size it is `direct`. */
export function selectStrategy(choice: StrategyChoice, size: number | undefined): PlainStrategy {
  if (!choice.enabled || size === undefined || size >= choice.veryLargeObjectThreshold) {
    return 'direct';
  }
  if (size < choice.largeObjectThreshold) return 'pooled';
  const { largeObjectStrategy } = choice;
  return largeObjectStrategy === 'adaptive' ? 'chunked' : largeObjectStrategy;
}

/** @throws MillraceError `ERR_INVALID_ARG` */
export function checkStrategy(strategy: BufferPoolStrategy): void {
  if (STRATEGIES.includes(strategy)) return;
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot handle an object by the strategy "${String(strategy)}" as it must be one of ${STRATEGIES.join(', ')}`,
  );
}
