/**
 * What a mill's threads need of core once they lease memory, and others that are theirs from the start. The rest of
 * what is public they load with the ops that ask for it. It is internal, too.
 */
export {
  LINE,
  MAX_THREADS,
  MillraceError,
  PAGE_BYTES,
  Slice,
  SlabTable,
  StripedCounters,
  addTo,
  callCollector,
  memoryOf,
  semaphoreWords,
} from './ground.js';
export { readFailure, writeFailure } from './adaptive/io-failure.js';
export { bytesOf } from './adaptive/iterable-reader.js';
export { LARGEST_CLASS_BYTES, SIZE_CLASSES } from './memory/size-classes.js';
export { BufferPools } from './pools/buffer-pools.js';
export { SHARED, stateOf } from './slices/slot-word.js';
export { Semaphore } from './sync/semaphore.js';
export { ThreadRegistry } from './threads/registry.js';

/** Where the build has joined all this for threads: the mill tells them, so that they need not look for it. */
export const JOINED_CORE = new URL('./joined/', import.meta.url).href;
