/** What the pools of one thread are asked, are told, and tell. */
import type { MillraceError } from '../errors.js';
import type { ArenaRenewal } from '../memory/arenas.js';
import type { SliceHandle } from '../slices/slice.js';
import type { WaitLimits } from '../sync/patience.js';

export interface BufferPoolsStats {
  /** The most bytes that slices may take together. */
  memoryBytes: number;
  /** Bytes of it made addressable, and not dropped since. */
  openBytes: number;
  /** `wasm` or `plain`, and for `plain` why. */
  arena: { kind: 'wasm' | 'plain'; reason?: string };
  /** Leases begun, ended by release, and ended by a sweep after a thread's death; and those that last. */
  slices: { leased: number; returned: number; swept: number; live: number };
}

/** What a thread wants to be called for. */
export interface PoolHooks {
  /**
   * A watched slice was misused by nobody who could be told: `ERR_SLICE_LEAKED`, `ERR_SLICE_LATE_WRITE`.
   *
   * @defaultValue writes to the console
   */
  onReport?: (error: MillraceError) => void;
  /**
   * On the thread that made the memory: sends the renewal to every thread that has attached it, where
   * it must reach `BufferPools.takeRenewal`. Without it, `trim` drops no arena.
   */
  onRenewal?: (renewal: ArenaRenewal) => void;
  /** On any other: takes in renewals that were sent, synchronously. */
  onUnknownArena?: () => void;
}

/** What is spared, and how long to look for what is not. */
export interface SpareOptions {
  /** What was in use later than so long ago stays, as far as this thread has looked. @defaultValue 0 */
  readonly idleForMs?: number;
  /** How long it may take, about: the next call that is limited goes on from there. @defaultValue Infinity */
  readonly forMs?: number;
}

/** How far `BufferPools.shrink` goes. */
export interface ShrinkOptions extends SpareOptions {
  /** @defaultValue `maxAgeMs` of the pools */
  readonly maxAgeMs?: number;
  /** @defaultValue `shrinkThreshold` of the pools */
  readonly shrinkThreshold?: number;
  /** So many of the smallest size classes keep their last slab, unless it is too old. @defaultValue 0 */
  readonly keptClasses?: number;
}

/** How an acquire goes about it when memory is short. */
export interface AcquireOptions extends WaitLimits {
  /** `critical` may use the reserve. @defaultValue 'normal' */
  readonly priority?: 'normal' | 'critical';
  /**
   * In the arena of this slice if there is room, so that one WebAssembly kernel can address both; else
   * in any other.
   *
   * @defaultValue anywhere
   */
  readonly near?: SliceHandle;
}
