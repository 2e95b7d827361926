/**
 * What a mill's threads need of core when they start: its memory. The rest of what is public they load with the ops
 * that ask for it. It is internal, too.
 */
export { readFailure, writeFailure } from './adaptive/io-failure.js';
export { bytesOf } from './adaptive/iterable-reader.js';
export { MillraceError } from './errors.js';
export { memoryOf } from './memory/arena.js';
export { callCollector } from './memory/collector.js';
export { PAGE_BYTES } from './memory/geometry.js';
export { LINE, MAX_THREADS } from './memory/layout.js';
export { LARGEST_CLASS_BYTES, SIZE_CLASSES } from './memory/size-classes.js';
export { BufferPools } from './pools/buffer-pools.js';
export { Slice } from './slices/slice.js';
export { SHARED, stateOf } from './slices/slot-word.js';
export { Semaphore } from './sync/semaphore.js';
export { ThreadRegistry } from './threads/registry.js';

/** Where the build has joined all this for threads: the mill tells them, so that they need not look for it. */
export const JOINED_CORE = new URL('./joined/mill.cjs', import.meta.url).href;
