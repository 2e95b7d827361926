/**
 * An operation: one copy or tee. It knows what the object is to be held in, has the chunks for that, and
 * goes down the ladder when they are not to be had.
 *
 *   take ──▶ slice ──none──▶ wait ──in vain──▶ smaller slice ──none──▶ private ──refused──▶ the least of it
 *            pooled, chunked                   chunked                 direct               emergency
 */
import { MillraceError } from '../errors.js';
import { SIZE_CLASSES } from '../memory/size-classes.js';
import type { BufferPools } from '../pools/buffer-pools.js';
import type { MemoryPressure } from '../pools/pressure.js';
import type { Slice } from '../slices/slice.js';
import { PooledBuffer, PrivateBuffer, type AdaptiveBuffer } from './adaptive-buffer.js';
import type { Answer } from './answer.js';
import type { Cap } from './cap.js';
import { categoryOf, type ObjectCategory } from './category.js';
import { optimalChunkSize } from './chunk-size.js';
import type { ChunkSource } from './chunk-stock.js';
import type { CheckedConfig } from './config.js';
import type { CostModel } from './cost-model.js';
import type { Ladder } from './degradation.js';
import type { MemoryGuard, PrivateMemory } from './private-memory.js';
import { selectStrategy, type BufferPoolStrategy, type PlainStrategy } from './strategy.js';
import type { Usage } from './usage.js';

/** What the operations of one pool share. */
export interface Workshop {
  readonly pools: BufferPools;
  readonly config: CheckedConfig;
  readonly cores: number;
  readonly usage: Usage;
  readonly ladder: Ladder;
  readonly costs: CostModel;
  readonly cap: Cap;
  readonly memory: PrivateMemory;
  readonly guard: MemoryGuard | undefined;
  readonly nowNs: () => number;
}

export class Operation implements ChunkSource {
  readonly category: ObjectCategory;
  /** With which it began. */
  readonly strategy: PlainStrategy;
  readonly chunkSize: number;
  readonly #shop: Workshop;
  readonly #size: number | undefined;
  readonly #pressure: MemoryPressure;
  /** What it weighs in the cap while it holds a permit. */
  #permit: number | undefined;
  /** Whether it has come to the last step. */
  #emergency = false;
  #chunks = 0;
  #sinceNs: number | undefined;

  constructor(shop: Workshop, size: number | undefined, wanted: BufferPoolStrategy = 'adaptive') {
    const { config, usage, guard } = shop;
    this.#shop = shop;
    this.#size = size;
    this.#pressure = guard?.pressure ?? 'normal';
    this.category = categoryOf(config, size);
    this.strategy = this.#begin(wanted === 'adaptive' ? selectStrategy(config, size) : wanted);
    this.chunkSize = this.#emergency ? config.minBufferSize : this.#bufferFor(this.strategy);
    usage.began(this.category, this.strategy);
    if (config.enableDetailedMetrics || (this.large && shop.costs.due())) {
      this.#sinceNs = shop.nowNs();
    }
  }

  /** Whether it comes under the cap. */
  get large(): boolean {
    return this.category === 'large' || this.category === 'veryLarge';
  }

  /**
   * Waits for a permit of the cap, if it needs one and there is none.
   *
   * @throws MillraceError `ERR_ABORTED`, and then it has ended
   */
  enter(signal: AbortSignal | undefined): undefined | Promise<void> {
    if (!this.large) return undefined;
    const { cap } = this.#shop;
    const weight = cap.weightOf(this.#size);
    if (!cap.tryEnter(weight)) return this.#wait(weight, signal);
    this.#permit = weight;
    return undefined;
  }

  take(bytes: number): Answer<AdaptiveBuffer> {
    if (this.#emergency || this.strategy === 'direct') return this.#private(bytes);
    const { pools, config } = this.#shop;
    const slice = pools.tryAcquire(bytes);
    if (slice) return this.#lend(slice, bytes);
    return config.acquireTimeoutMs > 0 ? this.#waitFor(bytes) : this.#smaller(bytes);
  }

  /** While memory is short an operation works with one chunk. */
  tryTake(bytes: number): AdaptiveBuffer | undefined {
    if (this.#emergency || this.#pressure !== 'normal') return undefined;
    if (this.strategy === 'direct') return this.#private(bytes);
    const slice = this.#shop.pools.tryAcquire(bytes);
    return slice && this.#lend(slice, bytes);
  }

  filled(bytes: number): void {
    this.#chunks++;
    this.#shop.usage.moved(bytes);
  }

  /** All is done, or has failed; `bytes` were carried. */
  end(bytes: number): void {
    const { cap, costs, nowNs, usage } = this.#shop;
    if (this.#permit !== undefined) cap.leave(this.#permit);
    this.#permit = undefined;
    if (this.#sinceNs === undefined) return;
    const ns = nowNs() - this.#sinceNs;
    this.#sinceNs = undefined;
    usage.took(this.category, ns);
    if (this.large) costs.observe(this.#chunks, bytes, ns);
  }

  /** What it begins with in place of `wanted`, as memory may be short. */
  #begin(wanted: PlainStrategy): PlainStrategy {
    const { config, ladder } = this.#shop;
    if (this.#pressure === 'normal') return wanted;
    const bytes = this.#bufferFor(wanted);
    if (this.#pressure === 'critical') {
      this.#emergency = true;
      ladder.down(wanted, 'emergency', 'pressure', bytes);
      return 'direct';
    }
    if (wanted === 'direct' || bytes <= config.minBufferSize) return wanted;
    ladder.down(wanted, 'chunked', 'pressure', bytes);
    return 'chunked';
  }

  /** What an object is held in: all of it, or a chunk. */
  #bufferFor(strategy: PlainStrategy): number {
    const { config, cores, costs } = this.#shop;
    if (strategy !== 'pooled') {
      return optimalChunkSize({ config, cores, costs, pressure: this.#pressure }, this.#size);
    }
    const { defaultBufferSize, minBufferSize, maxBufferSize } = config;
    return Math.min(maxBufferSize, Math.max(minBufferSize, this.#size ?? defaultBufferSize));
  }

  async #wait(weight: number, signal: AbortSignal | undefined): Promise<void> {
    const { cap, ladder } = this.#shop;
    if (await cap.enter(weight, signal)) {
      this.#permit = weight;
      return;
    }
    this.#emergency = true;
    ladder.down(this.strategy, 'emergency', 'stalled', this.chunkSize);
  }

  async #waitFor(bytes: number): Promise<AdaptiveBuffer> {
    const { pools, config, usage } = this.#shop;
    usage.waited();
    try {
      const slice = await pools.acquireAsync(bytes, { timeoutMs: config.acquireTimeoutMs });
      return this.#lend(slice, bytes);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED') {
        return this.#smaller(bytes);
      }
      throw error;
    }
  }

  #lend(slice: Slice, bytes: number): AdaptiveBuffer {
    const { ladder, usage } = this.#shop;
    usage.hit();
    if (ladder.degraded && this.#pressure === 'normal') ladder.had(this.strategy, bytes);
    return new PooledBuffer(slice, usage);
  }

  /** The pools have nothing of `bytes` bytes: a slice of a smaller class, or private memory. */
  #smaller(bytes: number): AdaptiveBuffer {
    const { pools, config, ladder, usage } = this.#shop;
    const most = Math.min(bytes - 1, config.chunkSize);
    for (let at = SIZE_CLASSES.length - 1; at >= 0; at--) {
      const size = SIZE_CLASSES[at]!;
      if (size > most || size < config.minBufferSize) continue;
      const slice = pools.tryAcquire(size);
      if (!slice) continue;
      usage.hit();
      ladder.down(this.strategy, 'chunked', 'exhausted', bytes);
      return new PooledBuffer(slice, usage);
    }
    ladder.down(this.strategy, 'direct', 'exhausted', bytes);
    return this.#private(Math.min(bytes, config.chunkSize));
  }

  #private(bytes: number): AdaptiveBuffer {
    const { config, memory, usage, ladder } = this.#shop;
    const wanted = this.#emergency ? config.minBufferSize : bytes;
    const kept = memory.take(wanted);
    if (kept) {
      usage.missed(0);
      return new PrivateBuffer(kept, usage, memory);
    }
    let fresh: Uint8Array<ArrayBuffer>;
    try {
      fresh = memory.allocate(wanted, 'chunkSize', config.chunkSize);
      if (ladder.degraded && !this.#emergency) ladder.had('direct', wanted);
    } catch (error) {
      if (wanted <= config.minBufferSize) throw error;
      this.#emergency = true;
      ladder.down(this.strategy, 'emergency', 'pressure', wanted);
      return this.#private(wanted);
    }
    usage.missed(fresh.byteLength);
    return new PrivateBuffer(fresh, usage, memory);
  }
}
