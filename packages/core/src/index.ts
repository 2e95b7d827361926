/** Shared memory for threads: pools, slices, thread registry, counters. Starts no thread, opens no file. */
export { MillraceError, type MillraceErrorCode } from './errors.js';
export { LARGEST_CLASS_BYTES, SIZE_CLASSES } from './memory/size-classes.js';
export type { ArenaHandle } from './memory/arena.js';
export type { MemoryHandle } from './memory/slab-table.js';
export {
  BufferPools,
  type BufferPoolsOptions,
  type BufferPoolsStats,
} from './pools/buffer-pools.js';
export { Slice } from './slices/slice.js';
export { ThreadRegistry, type ThreadId } from './threads/registry.js';
