/**
 * The adaptive buffer pool: by the size of an object it decides what that is held in. It owns no pools of
 * its own: small, medium and chunk buffers are slices of one memory, and what one does not need another has.
 */
import { MillraceError } from '../errors.js';
import type { BufferPools } from '../pools/buffer-pools.js';
import { Patience } from '../sync/patience.js';
import type { LeakRecord } from '../slices/leak-watch.js';
import type { Slice } from '../slices/slice.js';
import { PooledBuffer, PrivateBuffer, type AdaptiveBuffer } from './adaptive-buffer.js';
import type { Answer } from './answer.js';
import { readerOf, writerOf, type ByteSource, type ByteTarget } from './byte-io.js';
import { Books, now } from './books.js';
import { Cap, type LargeOpsGate } from './cap.js';
import { categoryOf, type ObjectCategory } from './category.js';
import { optimalChunkSize, type ChunkTerms } from './chunk-size.js';
import { checkedConfig, type BufferPoolConfig, type CheckedConfig } from './config.js';
import { ChunkedTeeReader } from './chunked-tee-reader.js';
import { CostModel } from './cost-model.js';
import type { Ladder, DegradationListener } from './degradation.js';
import { explanation, type Explanation } from './explanation.js';
import { HeldBuffers, type BufferLeak, type HeldBuffer } from './held-buffers.js';
import { Operation, type Workshop } from './operation.js';
import { OwnGate } from './own-gate.js';
import { Place, PrivateMemory, type MemoryGuard } from './private-memory.js';
import {
  checkStrategy,
  selectStrategy,
  type BufferPoolStrategy,
  type PlainStrategy,
} from './strategy.js';
import { copyShort } from './short-copy.js';
import type { TeeOptions } from './tee-options.js';
import type { BufferPoolStats, GcImpact, Usage } from './usage.js';

/** Of each size, private places for this part of the memory are kept at most. */
const KEPT_PART = 16;

/** What an adaptive pool works with beside its pools. */
export interface AdaptiveServices {
  /** Tells how short memory is: a `MemoryManager`. @defaultValue memory is never short */
  readonly memory?: MemoryGuard | undefined;
  /** The cap on large operations, instead of one of its own. @defaultValue a semaphore of `maxConcurrentLargeOps` */
  readonly gate?: LargeOpsGate | undefined;
  /** How many cores work on the chunks of an object. @defaultValue 1 */
  readonly cores?: number | undefined;
  /** What the garbage collector did since the pool was made. @defaultValue nobody knows */
  readonly gcImpact?: (() => GcImpact) | undefined;
  /** A clock, in nanoseconds. @defaultValue `performance.now()` */
  readonly nowNs?: (() => number) | undefined;
  /** Where others count what they do with the same pools. @defaultValue books of its own */
  readonly books?: Books | undefined;
}

export interface AdaptiveAcquireOptions {
  /** How long to wait for a slice. @defaultValue `acquireTimeoutMs` of the pool */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `pooled` or `chunked` for a slice up to `maxBufferSize`, `direct` for none. @defaultValue 'adaptive' */
  readonly strategy?: BufferPoolStrategy | undefined;
}

export interface AdaptiveCopyOptions {
  /** @defaultValue 'adaptive' */
  readonly strategy?: BufferPoolStrategy | undefined;
  /** Whether it is an error when the source has not just `size` bytes. @defaultValue false */
  readonly exact?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface AdaptiveTeeOptions extends Omit<TeeOptions, 'chunkSize'> {
  /** Bytes that will be read, if that is known. */
  readonly size?: number | undefined;
  /** @defaultValue 'adaptive' */
  readonly strategy?: BufferPoolStrategy | undefined;
}

/** Who has had buffers for long. */
export interface LeakReport {
  /** Buffers of this pool; known with `enableDetailedMetrics` alone. */
  readonly buffers: BufferLeak[];
  /** Slices of the memory, of all threads and for whatever use; known where they are watched: see `safety`. */
  readonly slices: LeakRecord[];
}

export class AdaptiveBufferPool {
  /** As it is with all defaults. */
  readonly config: CheckedConfig;
  readonly #pools: BufferPools;
  readonly #shop: Workshop;
  readonly #usage: Usage;
  readonly #ladder: Ladder;
  readonly #held: HeldBuffers | undefined;
  readonly #gcImpact: (() => GcImpact) | undefined;
  /** Copies of fewer bytes may be short ones. */
  readonly #shortBelow: number;
  /** Buffers of fewer bytes are slices. */
  readonly #pooledBelow: number;

  /** @throws MillraceError `ERR_INVALID_ARG`, which names the setting, its value and the rule */
  constructor(pools: BufferPools, config: BufferPoolConfig = {}, services: AdaptiveServices = {}) {
    this.#pools = pools;
    const { memoryBytes, largest } = pools;
    this.config = checkedConfig(config, memoryBytes, largest);
    const { enabled, enableDetailedMetrics, maxConcurrentLargeOps, minBufferSize, chunkSize } =
      this.config;
    const {
      memory,
      gate,
      cores = 1,
      gcImpact,
      nowNs = now,
      books = new Books(enableDetailedMetrics, nowNs),
    } = services;
    if (!Number.isSafeInteger(cores) || cores < 1) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot make an adaptive pool with "cores" of ${String(cores)} as it must be an integer of 1 or more`,
      );
    }
    this.#usage = books.usage;
    this.#ladder = books.ladder;
    if (enableDetailedMetrics) {
      this.#held = new HeldBuffers(this.#usage, nowNs);
      this.#gcImpact = gcImpact;
    }
    this.#pooledBelow = enabled ? this.#boundOfPooled() : 0;
    // What is timed has an operation, and so has what is under the cap.
    this.#shortBelow = enableDetailedMetrics
      ? 0
      : Math.min(this.#pooledBelow, this.config.largeObjectThreshold);
    // An operation has two chunks at most: one is read while the other is written.
    const keptBytes = Math.min(2 * maxConcurrentLargeOps * chunkSize, memoryBytes / KEPT_PART);
    this.#shop = {
      pools,
      config: this.config,
      cores,
      usage: this.#usage,
      ladder: this.#ladder,
      costs: new CostModel(),
      cap: new Cap(gate ?? new OwnGate(maxConcurrentLargeOps, pools.thread)),
      memory: new PrivateMemory(memory, keptBytes, minBufferSize),
      guard: memory,
      nowNs,
    };
  }

  categoryOf(size: number | undefined): ObjectCategory {
    return categoryOf(this.config, size);
  }

  /** The strategy for an object of `size` bytes, while memory is not short. */
  selectStrategy(size: number | undefined): PlainStrategy {
    return selectStrategy(this.config, size);
  }

  /** How large the chunks of an object of `size` bytes should be now, by what chunks have cost lately. */
  calculateOptimalChunkSize(size: number | undefined): number {
    return optimalChunkSize(this.#terms(), size);
  }

  /** What would be done with an object of `size` bytes now, and why. */
  explain(size: number | undefined): Explanation {
    return explanation(this.#terms(), size);
  }

  /**
   * A buffer of `size` bytes, in one piece: a slice, or private memory where the object is too large for
   * that, or no slice is free now.
   *
   * @throws MillraceError `ERR_SIZE`; `ERR_OUT_OF_MEMORY`, which names the setting to change
   */
  acquire(size: number): AdaptiveBuffer {
    if (size < this.#pooledBelow) {
      const slice = this.#pools.tryAcquire(size);
      if (slice !== undefined) return this.#lend(slice, size);
      this.#ladder.down('pooled', 'direct', 'exhausted', size);
    }
    return this.#allocate(size);
  }

  /**
   * Like {@link acquire}, but waits for a slice until the time is up.
   *
   * @throws MillraceError `ERR_SIZE`, `ERR_ABORTED`, `ERR_INVALID_ARG`; `ERR_OUT_OF_MEMORY`, which names
   *   the setting to change
   */
  async acquireAsync(size: number, options: AdaptiveAcquireOptions = {}): Promise<AdaptiveBuffer> {
    const { strategy = 'adaptive', signal, timeoutMs = this.config.acquireTimeoutMs } = options;
    checkStrategy(strategy);
    const patience = Patience.of('acquire a buffer', { timeoutMs, signal });
    const below = strategy === 'adaptive' ? this.#pooledBelow : this.config.maxBufferSize + 1;
    if (strategy === 'direct' || !(size < below)) return this.#allocate(size);
    const slice = this.#pools.tryAcquire(size);
    if (slice) return this.#lend(slice, size);
    if (timeoutMs > 0) {
      this.#usage.waited();
      try {
        return this.#lend(await this.#pools.acquireAsync(size, patience), size);
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED')) throw error;
      }
    }
    this.#ladder.down('pooled', 'direct', 'exhausted', size);
    return this.#allocate(size);
  }

  /**
   * Copies all of `src` to `dst`, which is left open, by the strategy for its size.
   *
   * @param size how many bytes that should be, if it is known: fewer or more are copied as well
   * @returns how many bytes were copied; at once if neither end had to be waited for
   * @throws MillraceError as a rejection: `ERR_READ`, `ERR_WRITE`, `ERR_ABORTED`, `ERR_SIZE_MISMATCH`,
   *   `ERR_OUT_OF_MEMORY`; at once: `ERR_INVALID_ARG`
   */
  copyBuffer(
    dst: ByteTarget,
    src: ByteSource,
    size?: number,
    options: AdaptiveCopyOptions = {},
  ): Answer<number> {
    const { signal, strategy, exact = false } = options;
    const writer = writerOf(dst);
    const reader = readerOf(src);
    if (size !== undefined && !exact && this.#isShort(size, strategy)) {
      const copied = copyShort(this.#shop, writer, reader, size, signal);
      if (copied !== undefined) return copied;
    }
    return new Operation(this.#shop, size, strategy).copy(writer, reader, exact, signal);
  }

  /** Like {@link copyBuffer}, in chunks whatever the size. */
  chunkedCopyBuffer(
    dst: ByteTarget,
    src: ByteSource,
    size?: number,
    options: Omit<AdaptiveCopyOptions, 'strategy'> = {},
  ): Answer<number> {
    return this.copyBuffer(dst, src, size, { ...options, strategy: 'chunked' });
  }

  /**
   * Hands all of `reader` on, and writes it to `writer` as well, which is closed at the end: see
   * `ChunkedTeeReader`. A large object holds its permit of the cap until both have come to their end.
   *
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  tee(
    reader: ByteSource,
    writer: ByteTarget,
    { size, strategy, policy, maxLagChunks }: AdaptiveTeeOptions = {},
  ): ChunkedTeeReader {
    const from = readerOf(reader);
    const branch = writerOf(writer);
    const operation = new Operation(this.#shop, size, strategy);
    const { chunkSize } = operation;
    try {
      return new ChunkedTeeReader(from, branch, operation, { chunkSize, policy, maxLagChunks });
    } catch (error) {
      operation.end();
      throw error;
    }
  }

  /** A plain object. */
  stats(): BufferPoolStats {
    return {
      ...this.#usage.stats(),
      ...this.#ladder.stats(),
      ...(this.#gcImpact && { gc: this.#gcImpact() }),
    };
  }

  /** What has been held for `olderThanMs` or longer. */
  leaks(olderThanMs: number): LeakReport {
    return {
      buffers: this.#held?.olderThan(olderThanMs) ?? [],
      slices: this.#pools.leaks(olderThanMs),
    };
  }

  /**
   * Calls `listener` when something that was wanted cannot be had, once an episode for each step down, and
   * when all is well again. One that throws harms nobody: what it threw is written to the console.
   *
   * @returns ends it
   */
  onDegraded(listener: DegradationListener): () => void {
    return this.#ladder.onDegraded(listener);
  }

  #isShort(size: number, strategy: BufferPoolStrategy = 'adaptive'): boolean {
    if (strategy !== 'adaptive' && strategy !== 'pooled') return false;
    return size >= 0 && size < this.#shortBelow && Number.isInteger(size);
  }

  #terms(): ChunkTerms {
    const { config, cores, costs, guard } = this.#shop;
    return { config, cores, costs, pressure: guard?.pressure ?? 'normal' };
  }

  #boundOfPooled(): number {
    const { config } = this;
    const { largeObjectThreshold, veryLargeObjectThreshold, maxBufferSize } = config;
    const direct = selectStrategy(config, largeObjectThreshold) === 'direct';
    return Math.min(maxBufferSize + 1, direct ? largeObjectThreshold : veryLargeObjectThreshold);
  }

  #lend(slice: Slice, size: number): AdaptiveBuffer {
    const category = categoryOf(this.config, size);
    this.#usage.lent(category, size);
    if (this.#ladder.degraded) this.#ladder.had('pooled', size);
    const held = this.#held;
    if (!held) return new PooledBuffer(slice, this.#usage);
    return held.watched(size, category, 'pooled', (it) => new PooledBuffer(slice, this.#usage, it));
  }

  /** A buffer of its own; its memory is used once. */
  #allocate(size: number): AdaptiveBuffer {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot acquire a buffer of ${String(size)} bytes as the size must be an integer of 1 or more`,
      );
    }
    const { config } = this;
    const exhausted = size < this.#pooledBelow;
    const setting = exhausted ? 'memory' : 'maxBufferSize';
    const value = exhausted ? this.#pools.memoryBytes : config.maxBufferSize;
    const bytes = this.#shop.memory.allocate(size, setting, value);
    const category = categoryOf(config, size);
    this.#usage.began(category, 'direct');
    this.#usage.missed(size);
    this.#usage.served(size);
    const place = new Place(bytes);
    const held = this.#held;
    if (!held) return new PrivateBuffer(place, this.#usage, undefined);
    const buffer = (it: HeldBuffer): PrivateBuffer =>
      new PrivateBuffer(place, this.#usage, undefined, undefined, it);
    return held.watched(size, category, 'direct', buffer);
  }
}
