/** What sibling packages and core's own tests need beside the public names. No promise is made about it. */
export { Books, now } from './adaptive/books.js';
export { readFailure, writeFailure } from './adaptive/io-failure.js';
export { bytesOf } from './adaptive/iterable-reader.js';
export { STRATEGIES } from './adaptive/strategy.js';
export { invalidSetting } from './invalid-setting.js';
export { Arena, memoryOf } from './memory/arena.js';
export {
  HEADER_SLABS,
  HEADER_VERSION,
  ATTENTION,
  LINE,
  MAX_THREADS,
  SEAT_WORDS,
  SLAB_BITMAP,
  SLAB_BYTES,
  SLAB_WORDS,
  SLOT_SEATS,
  THREAD_INTENT,
  THREAD_STATE,
  WAITING,
  controlLayout,
  slabOf,
  slotOf,
  slotRef,
  type ControlLayout,
  type SlotRef,
} from './memory/layout.js';
export { CLASS_COUNT, classOf, slotBytesFor } from './memory/size-classes.js';
export { SlabTable } from './memory/slab-table.js';
export { semaphoreWords } from './sync/permit-words.js';
export { StripedCounters, addTo } from './metrics/counters.js';
export { HistogramStripes } from './metrics/histogram.js';
export { BUCKETS, bucketOf, leastIn, middleOf, widthOf } from './metrics/histogram-buckets.js';
export { NUMBER_WORDS, loadNumber, storeNumber } from './metrics/versioned-number.js';
export { SlotPool } from './pools/slot-pool.js';
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
  CLOSING,
  CORRUPTED,
  FREE,
  LIVE,
  RETURNING,
  SHARED,
  ended,
  generationOf,
  holderOf,
  isHeld,
  pack,
  stateOf,
  withState,
  type SlotState,
} from './slices/slot-word.js';
export { Arenas } from './memory/arenas.js';
export { callCollector } from './memory/collector.js';
export { Geometry, PAGE_BYTES } from './memory/geometry.js';
export {
  CLAIMED,
  DRAINING,
  EMPTY,
  NO_POOL,
  OPEN,
  RETIRING,
  RUN,
  RUN_TAIL,
  reopened,
  serves,
  slabHolderOf,
  slabPoolOf,
  slabStateOf,
  slabWord,
  type SlabState,
} from './memory/slab-word.js';
export { Growth } from './pools/growth.js';
export { checked, fromWords, toWords, type PoolSettings } from './pools/settings.js';
export { PoolRoom } from './pools/pool-room.js';
export { sweep } from './pools/sweeper.js';
export { LeaseCount } from './slices/lease-count.js';
export { Sharing } from './slices/sharing.js';
export { SlabLife } from './slices/slab-life.js';
export { SlabRuns } from './slices/slab-runs.js';
export { Doorbell } from './sync/doorbell.js';
export { Patience } from './sync/patience.js';
export { WAITING_ROOM_WORDS, WaitingRoom } from './pools/waiting-room.js';
export type { SliceKeeper, SliceOwner } from './slices/slice.js';
