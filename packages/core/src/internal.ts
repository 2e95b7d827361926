/** What sibling packages and core's own tests need beside the public names. No promise is made about it. */
export { Arena } from './memory/arena.js';
export {
  HEADER_SLABS,
  HEADER_VERSION,
  LINE,
  MAX_THREADS,
  SLABS_PER_ARENA,
  SLAB_BITMAP,
  SLAB_BYTES,
  SLAB_WORDS,
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
export { BUCKETS, bucketOf, leastIn, middleOf, widthOf } from './metrics/histogram-buckets.js';
export { NUMBER_WORDS, loadNumber, storeNumber } from './metrics/versioned-number.js';
export { SizedBufferPool } from './pools/sized-pool.js';
export { READER_BELL } from './rings/byte-ring-layout.js';
export {
  CLAIMED as CELLS_CLAIMED,
  FREE as CELLS_FREE,
  PUBLISHED as CELLS_PUBLISHED,
  READING as CELLS_READING,
  claim,
  countOf,
  idle,
  isClaim,
  isIdle,
  kindOf,
  ownerOf,
  restOf,
  runBitsOf,
  runOf,
} from './rings/message-ring-layout.js';
export { POSITION_WORDS, loadPosition, storePosition } from './rings/position.js';
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
  type SlotState,
} from './slices/slot-word.js';
export { Doorbell } from './sync/doorbell.js';
export { Patience } from './sync/patience.js';
