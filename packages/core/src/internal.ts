/** What sibling packages and core's own tests need beside the public names. No promise is made about it. */
export { Arena } from './memory/arena.js';
export {
  LINE,
  MAX_THREADS,
  SLAB_BYTES,
  controlLayout,
  slabOf,
  slotOf,
  slotRef,
  type ControlLayout,
  type SlotRef,
} from './memory/layout.js';
export { classOf } from './memory/size-classes.js';
export { SlabTable } from './memory/slab-table.js';
export { StripedCounters, addTo } from './metrics/counters.js';
export { SizedBufferPool } from './pools/sized-pool.js';
export { FreeList } from './slices/free-list.js';
export { Magazine } from './slices/magazine.js';
export {
  CACHED,
  CORRUPTED,
  EXPIRED,
  FREE,
  LIVE,
  RETURNING,
  ended,
  generationOf,
  holderOf,
  pack,
  stateOf,
  withState,
} from './slices/slot-word.js';
