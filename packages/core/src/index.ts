/** Shared memory for threads: pools, slices, rings, locks, metrics, thread registry. Starts no thread, opens no file. */
export { MillraceError, type MillraceErrorCode } from './errors.js';
export {
  AdaptiveBufferPool,
  type AdaptiveAcquireOptions,
  type AdaptiveCopyOptions,
  type AdaptiveServices,
  type AdaptiveTeeOptions,
  type LeakReport,
} from './adaptive/adaptive-buffer-pool.js';
export type { AdaptiveBuffer } from './adaptive/adaptive-buffer.js';
export type { LargeOpsGate } from './adaptive/cap.js';
export {
  SMALL_BYTES,
  categoryOf,
  type ObjectCategory,
  type Thresholds,
} from './adaptive/category.js';
export { checkedConfig, type BufferPoolConfig, type CheckedConfig } from './adaptive/config.js';
export type { Degradation, DegradationCause, DegradationListener } from './adaptive/degradation.js';
export type { Explanation } from './adaptive/explanation.js';
export type { BufferLeak } from './adaptive/held-buffers.js';
export type { MemoryGuard } from './adaptive/private-memory.js';
export type { BufferPoolStats, DegradationStep, GcImpact, LatencyStats } from './adaptive/usage.js';
export {
  selectStrategy,
  type BufferPoolStrategy,
  type PlainStrategy,
  type StrategyChoice,
} from './adaptive/strategy.js';
export {
  readerOf,
  writerOf,
  type ByteReader,
  type ByteSource,
  type ByteTarget,
  type ByteWriter,
} from './adaptive/byte-io.js';
export { copyInChunks, type ChunkedCopyOptions } from './adaptive/chunked-copy.js';
export { ChunkedTeeReader, type TeeReport } from './adaptive/chunked-tee-reader.js';
export type { TeeBranchReport, TeeBranchState } from './adaptive/tee-branch.js';
export type { TeeOptions, TeePolicy } from './adaptive/tee-options.js';
export type { Chunk, ChunkSource } from './adaptive/chunk-stock.js';
export type { AllocOptions, AllocationPriority, MemoryLocality } from './managed/alloc-options.js';
export {
  BufferAllocator,
  type AllocationStats,
  type ManagedMemory,
} from './managed/buffer-allocator.js';
export {
  BUFFER_CLASSES,
  DEFAULT_BUFFER_SIZES,
  bufferClassOf,
  type BufferClass,
  type BufferSizes,
} from './managed/buffer-class.js';
export {
  BUFFER_EVENT_TYPES,
  type BufferEvent,
  type BufferEventSink,
  type BufferEventType,
  type EventSampling,
} from './managed/buffer-event.js';
export {
  DefaultBufferFactory,
  type BufferFactory,
  type CreateTerms,
} from './managed/buffer-factory.js';
export type { BufferWaitOptions } from './managed/buffer-line.js';
export { BufferLedger, type LedgerOptions } from './managed/buffer-ledger.js';
export {
  BufferManager,
  type BufferManagerServices,
  type HeldBufferReport,
  type UpkeepReport,
} from './managed/buffer-manager.js';
export type { BufferMemory } from './managed/buffer-memory.js';
export type { BufferMetrics } from './managed/buffer-metrics.js';
export { ManagedBuffer, type BufferState } from './managed/managed-buffer.js';
export {
  checkedManagerConfig,
  checkedPoolConfig,
  type BufferAllocationStrategy,
  type BufferManagerConfig,
  type BufferManagerSettings,
  type PoolConfig,
  type PoolSettings,
} from './managed/managed-settings.js';
export type { PoolStatistics } from './managed/pool-statistics.js';
export { SizedBufferPool } from './managed/sized-buffer-pool.js';
export { LARGEST_CLASS_BYTES, SIZE_CLASSES } from './memory/size-classes.js';
export type { ArenaHandle } from './memory/arena.js';
export type { ArenaRenewal } from './memory/arenas.js';
export type { MemoryHandle } from './memory/slab-table.js';
export { Gauges } from './metrics/gauges.js';
export { Histogram, HistogramRecorder } from './metrics/histogram.js';
export { HistogramSnapshot } from './metrics/histogram-snapshot.js';
export { BufferPools } from './pools/buffer-pools.js';
export {
  MemoryManager,
  type MemoryUsage,
  type PressureChange,
  type PressureListener,
} from './pools/memory-manager.js';
export type {
  AcquireOptions,
  BufferPoolsStats,
  PoolHooks,
  ShrinkOptions,
  SpareOptions,
} from './pools/pool-options.js';
export type {
  AllocationStrategy,
  MemoryManagerConfig,
  MemorySettings,
} from './pools/memory-settings.js';
export type { Preallocation } from './pools/preallocation.js';
export type { Relief, ReliefStep } from './pools/relief.js';
export type { MemoryPressure, MemoryProbe, MemoryReading } from './pools/pressure.js';
export type { BufferPoolsOptions, SafetyLevel } from './pools/settings.js';
export { BroadcastReader } from './rings/broadcast-reader.js';
export { BroadcastRing, type BroadcastRingStats } from './rings/broadcast-ring.js';
export type { BroadcastRingShape } from './rings/broadcast-ring-layout.js';
export { BroadcastWriter, type BroadcastWriterOptions } from './rings/broadcast-writer.js';
export { ByteRing, type ByteRingState, type ByteRingStats } from './rings/byte-ring.js';
export { ByteRingReader } from './rings/byte-ring-reader.js';
export { ByteRingWriter } from './rings/byte-ring-writer.js';
export { readableFrom, writableTo, type ByteStreamOptions } from './rings/byte-streams.js';
export { FrameReader, FrameWriter } from './rings/frames.js';
export { MessageRing, type MessageRingStats } from './rings/message-ring.js';
export { Slice, type SliceHandle } from './slices/slice.js';
export type { MessageRingShape } from './rings/message-ring-layout.js';
export { SliceChain } from './slices/slice-chain.js';
export type { LeakRecord, SliceTrace } from './slices/leak-watch.js';
export { Barrier, type BarrierPass, type BarrierStats } from './sync/barrier.js';
export { Condition, type ConditionStats } from './sync/condition.js';
export { ManualResetEvent, type ManualResetEventStats } from './sync/event.js';
export { EventCount } from './sync/event-count.js';
export { Latch, type LatchStats } from './sync/latch.js';
export { Hold, type LockOutcome } from './sync/hold.js';
export { Mutex, type MutexStats } from './sync/mutex.js';
export { Once, type OnceStats } from './sync/once.js';
export type { WaitLimits, WaitOptions, WaitSyncOptions } from './sync/patience.js';
export { RwLock, type RwLockStats } from './sync/rw-lock.js';
export { Semaphore, type SemaphoreLimits, type SemaphoreStats } from './sync/semaphore.js';
export { HeartbeatWatch, type HeartbeatOptions } from './threads/heartbeat.js';
export { Waiter, type SyncOptions, type WaiterOptions } from './sync/waiter.js';
export { ThreadRegistry, type ThreadId } from './threads/registry.js';
