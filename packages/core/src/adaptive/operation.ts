/**
 * An operation: one copy or tee. It knows what the object is to be held in, has the chunks for that, and
 * goes down the ladder when they are not to be had.
 *
 *   take ──▶ slice ──none──▶ wait ──in vain──▶ smaller slice ──none──▶ private ──refused──▶ the least of it
 *            pooled, chunked                   chunked                 direct               emergency
 */
import { MillraceError } from '../errors.js';
import { SIZE_CLASSES, slotBytesFor } from '../memory/size-classes.js';
import type { BufferPools } from '../pools/buffer-pools.js';
import type { MemoryPressure } from '../pools/pressure.js';
import type { Slice } from '../slices/slice.js';
import { PooledBuffer, PrivateBuffer, type AdaptiveBuffer } from './adaptive-buffer.js';
import { isPromise, type Answer } from './answer.js';
import type { ByteReader, ByteWriter } from './byte-io.js';
import type { Cap, Permit } from './cap.js';
import { categoryOf, type ObjectCategory } from './category.js';
import { optimalChunkSize } from './chunk-size.js';
import type { ChunkSource } from './chunk-stock.js';
import { copyInChunks } from './chunked-copy.js';
import type { CheckedConfig } from './config.js';
import type { CostModel } from './cost-model.js';
import type { Ladder } from './degradation.js';
import { Place, type MemoryGuard, type PrivateMemory } from './private-memory.js';
import {
  checkStrategy,
  selectStrategy,
  type BufferPoolStrategy,
  type PlainStrategy,
} from './strategy.js';
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
  /** Of the cap, once it has it. */
  #permit: Permit | undefined;
  /** Takes it out of the line for one. */
  #leaving: AbortController | undefined;
  #ended = false;
  /** What it has begun with, until it is taken. */
  #first: AdaptiveBuffer | undefined;
  /** Whether it has come to the last step. */
  #emergency = false;
  #chunks = 0;
  #bytes = 0;
  #sinceNs: number | undefined;

  /**
   * @param size of its object in bytes; `undefined` when that is not known
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  constructor(shop: Workshop, size: number | undefined, wanted: BufferPoolStrategy = 'adaptive') {
    check(size, wanted);
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

  /** It has a first chunk already. */
  beginWith(chunk: AdaptiveBuffer): void {
    this.#first = chunk;
  }

  /** Copies all of `src` to `dst`, and ends then. */
  copy(
    dst: ByteWriter,
    src: ByteReader,
    exact: boolean,
    signal: AbortSignal | undefined,
  ): Answer<number> {
    const options = { chunkSize: this.chunkSize, exact, ...(signal && { signal }) };
    let copied: Answer<number>;
    try {
      copied = copyInChunks(dst, src, this.#size, this, options);
    } catch (error) {
      this.end();
      throw error;
    }
    if (isPromise(copied)) return copied.finally(() => this.end());
    this.end();
    return copied;
  }

  /**
   * The first chunk of a large object waits for a permit of the cap.
   *
   * @throws MillraceError `ERR_OUT_OF_MEMORY`; `ERR_ABORTED` when the operation has ended meanwhile
   */
  take(bytes: number): Answer<AdaptiveBuffer> {
    if (!this.large || this.#permit) return this.#take(bytes);
    this.#permit = this.#shop.cap.tryEnter(this.#size);
    return this.#permit ? this.#take(bytes) : this.#enter().then(() => this.#take(bytes));
  }

  /** While memory is short an operation works with one chunk. */
  tryTake(bytes: number): AdaptiveBuffer | undefined {
    if (this.#emergency || this.#pressure !== 'normal') return undefined;
    if (this.strategy === 'direct') return this.#tryPrivate(bytes);
    const slice = this.#shop.pools.tryAcquire(bytes);
    return slice && this.#lend(slice, bytes);
  }

  filled(bytes: number): void {
    this.#chunks++;
    this.#bytes += bytes;
    this.#permit?.moved();
    this.#shop.usage.moved(bytes);
  }

  /** All is done, or has failed. */
  end(): void {
    this.#ended = true;
    this.#first?.release();
    this.#leaving?.abort();
    this.#permit?.end();
    this.#permit = undefined;
    if (this.#sinceNs === undefined) return;
    const { costs, nowNs, usage } = this.#shop;
    const ns = nowNs() - this.#sinceNs;
    usage.took(this.category, ns);
    if (this.large) costs.observe(this.#chunks, this.#bytes, ns);
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

  async #enter(): Promise<void> {
    this.#shop.usage.queued();
    const permit = await this.#shop.cap.enter(this.#size, this.#untilTheEnd());
    this.#permit = permit;
    if (!this.#ended) return;
    permit.end();
    throw new MillraceError('ERR_ABORTED', 'The operation has ended before its turn came');
  }

  #take(bytes: number): Answer<AdaptiveBuffer> {
    const first = this.#first;
    if (first) {
      this.#first = undefined;
      return first;
    }
    if (this.#emergency || this.strategy === 'direct') return this.#private(bytes);
    const { pools, config } = this.#shop;
    const slice = pools.tryAcquire(bytes);
    if (slice) return this.#lend(slice, bytes);
    return config.acquireTimeoutMs > 0 ? this.#waitFor(bytes) : this.#smaller(bytes);
  }

  async #waitFor(bytes: number): Promise<AdaptiveBuffer> {
    const { pools, config, usage } = this.#shop;
    const { acquireTimeoutMs: timeoutMs } = config;
    usage.waited();
    try {
      const slice = await pools.acquireAsync(bytes, { timeoutMs, signal: this.#untilTheEnd() });
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
    if (this.#pressure !== 'normal') return new PooledBuffer(slice, usage);
    if (ladder.degraded) ladder.had(this.strategy, bytes);
    return this.#placed(slice, bytes);
  }

  /**
   * What is copied never leaves this thread, and V8 takes twice as long to copy into shared memory and out
   * of it as into other. So the slice is only the right to so many bytes; they are in a private place,
   * and its own are not touched. Where so much is under way that no place is left, the slice does.
   */
  #placed(slice: Slice, bytes: number): AdaptiveBuffer {
    const { config, memory, usage } = this.#shop;
    const size = this.strategy === 'pooled' ? roomFor(config, bytes) : bytes;
    let place = memory.take(size);
    if (!place) {
      place = memory.tryMake(size);
      if (!place) return new PooledBuffer(slice, usage);
      usage.placed(size);
    }
    return new PrivateBuffer(place, usage, memory, slice);
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
    return this.#private(roomFor(config, Math.min(bytes, config.chunkSize)));
  }

  /** Private memory; in the end the least of it. */
  #private(bytes: number): AdaptiveBuffer {
    const { config, ladder, memory, usage } = this.#shop;
    const least = config.minBufferSize;
    const wanted = this.#emergency ? least : bytes;
    const buffer = this.#tryPrivate(wanted);
    if (buffer) {
      if (ladder.degraded && this.#pressure === 'normal') ladder.had('direct', wanted);
      return buffer;
    }
    if (wanted > least) {
      this.#emergency = true;
      ladder.down(this.strategy, 'emergency', 'pressure', wanted);
    }
    const place = new Place(memory.allocate(least, 'minBufferSize', least));
    usage.missed(least);
    return new PrivateBuffer(place, usage, memory);
  }

  #tryPrivate(bytes: number): AdaptiveBuffer | undefined {
    const { memory, usage } = this.#shop;
    const kept = memory.take(bytes);
    const place = kept ?? memory.tryAllocate(bytes);
    if (!place) return undefined;
    usage.missed(kept ? 0 : bytes);
    return new PrivateBuffer(place, usage, memory);
  }

  /** Aborts when the operation ends, for what it waits for. */
  #untilTheEnd(): AbortSignal {
    this.#leaving ??= new AbortController();
    return this.#leaving.signal;
  }
}

/** Bytes of the place for an object of `size` bytes that is pooled: objects of many sizes use the same. */
export function roomFor({ minBufferSize, maxBufferSize }: CheckedConfig, size: number): number {
  const bytes = slotBytesFor(size < minBufferSize ? minBufferSize : size);
  return bytes < maxBufferSize ? bytes : maxBufferSize;
}

function check(size: number | undefined, strategy: BufferPoolStrategy): void {
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot handle an object of ${String(size)} bytes as the size must be an integer of 0 or more, or undefined`,
    );
  }
  checkStrategy(strategy);
}
