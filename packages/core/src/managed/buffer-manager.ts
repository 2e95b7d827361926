/**
 * The buffer manager: buffers by class, with a stock of each, a life that is told of, and figures. As one thread sees
 * them: each thread has a manager of its own, over the memory that all share.
 *
 *   BufferManager ── BufferAllocator ──▶ four SizedBufferPools, and loose buffers ──▶ BufferFactory
 *        │                                        │
 *        └─ metrics, upkeep, configure ◀── BufferLedger ──▶ events
 */
import { MillraceError } from '../errors.js';
import { invalidSetting } from '../invalid-setting.js';
import type { MemoryGuard } from '../adaptive/private-memory.js';
import type { AllocOptions } from './alloc-options.js';
import { BufferAllocator, type ClassPools, type ManagedMemory } from './buffer-allocator.js';
import { BUFFER_CLASSES, bufferClassOf, type BufferClass } from './buffer-class.js';
import type { BufferEventSink, EventSampling } from './buffer-event.js';
import { DefaultBufferFactory, type BufferFactory } from './buffer-factory.js';
import { BufferLedger } from './buffer-ledger.js';
import type { BufferMetrics } from './buffer-metrics.js';
import { BufferLine, type BufferWaitOptions } from './buffer-line.js';
import { merged } from './merged-config.js';
import { LooseBuffers } from './loose-buffers.js';
import type { ManagedBuffer } from './managed-buffer.js';
import {
  checkedManagerConfig,
  type BufferAllocationStrategy,
  type BufferManagerConfig,
  type BufferManagerSettings,
  type PoolSettings,
} from './managed-settings.js';
import type { PoolStatistics } from './pool-statistics.js';
import { SizedBufferPool } from './sized-buffer-pool.js';

/** What a manager works with beside its pools. */
export interface BufferManagerServices {
  /** Makes and unmakes buffers. @defaultValue a `DefaultBufferFactory` */
  readonly factory?: BufferFactory | undefined;
  /** Tells how short memory is: a `MemoryManager`. While it is, there is no stock. @defaultValue memory is never short */
  readonly memory?: MemoryGuard | undefined;
  /** A clock, in milliseconds. @defaultValue milliseconds since 1970, with fractions */
  readonly nowMs?: (() => number) | undefined;
  /** As {@link BufferManager.onEvent}, from the beginning. */
  readonly onEvent?: BufferEventSink | undefined;
}

/** What upkeep did. */
export interface UpkeepReport {
  /** Buffers that were too old, or more than are needed. */
  readonly destroyed: number;
  /** Buffers that have been in use for longer than `leakAfterMs`, and were not told of before. */
  readonly leaked: number;
}

/** A buffer that is in use for long. */
export interface HeldBufferReport {
  readonly bufferId: number;
  readonly class: BufferClass;
  readonly size: number;
  readonly heldMs: number;
  readonly tag: unknown;
}

/** Ids of one thread's buffers begin at its number times this. */
const IDS_PER_THREAD = 2 ** 32;

export class BufferManager {
  /** Where its buffers come from. */
  readonly allocator: BufferAllocator;
  readonly #ledger: BufferLedger;
  readonly #pools: ClassPools;
  readonly #loose: LooseBuffers;
  readonly #line: BufferLine;
  readonly #memory: ManagedMemory;
  readonly #guard: MemoryGuard | undefined;
  #config: BufferManagerConfig;
  #settings: BufferManagerSettings;
  #sink: BufferEventSink | undefined;
  #closed = false;

  /**
   * @param pools where slices come from
   * @throws MillraceError `ERR_INVALID_ARG`; what the factory throws, and nothing is kept
   */
  constructor(
    pools: ManagedMemory,
    config: BufferManagerConfig = {},
    services: BufferManagerServices = {},
  ) {
    const settings = checkedFor(pools, config);
    const { bufferSizes } = settings;
    const factory = services.factory ?? new DefaultBufferFactory(pools, services.memory);
    const { nowMs, onEvent } = services;
    this.#memory = pools;
    this.#guard = services.memory;
    this.#config = config;
    this.#settings = settings;
    this.#sink = onEvent;
    const idsAfter = pools.thread * IDS_PER_THREAD;
    const ledger = new BufferLedger({ nowMs, idsAfter });
    if (settings.enableMonitoring) ledger.sink = onEvent;
    const move = (buffer: ManagedBuffer, size: number): void => this.#move(buffer, size);
    const made: SizedBufferPool[] = [];
    const poolOf = (bufferClass: BufferClass): SizedBufferPool => {
      const size = bufferSizes[bufferClass];
      const stock = stockOf(settings, bufferClass);
      const pool = new SizedBufferPool(bufferClass, size, stock, factory, ledger, move);
      made.push(pool);
      return pool;
    };
    this.#ledger = ledger;
    this.#loose = new LooseBuffers(ledger, factory, move);
    try {
      this.#pools = {
        small: poolOf('small'),
        medium: poolOf('medium'),
        large: poolOf('large'),
        huge: poolOf('huge'),
      };
    } catch (error) {
      for (const pool of made) pool.drain();
      throw error;
    }
    const follow = (allocationStrategy: BufferAllocationStrategy): void =>
      void this.configure({ allocationStrategy });
    this.allocator = new BufferAllocator(ledger, this.#pools, this.#loose, pools, settings, follow);
    this.#line = new BufferLine(this.allocator, pools, (serve) => (ledger.onReturn = serve));
    ledger.keepUp(settings.monitoringIntervalMs, (now) => void this.#upkeep(now));
  }

  /** As they are with all defaults. */
  get settings(): BufferManagerSettings {
    return this.#settings;
  }

  /**
   * A buffer of `size` bytes.
   *
   * @param size an integer of 1 or more
   * @throws MillraceError `ERR_SIZE`, `ERR_INVALID_ARG`; `ERR_POOL_EXHAUSTED` when all memory is lent and the stock
   *   is empty; `ERR_OUT_OF_MEMORY` when private memory is not to be had
   */
  getBuffer(size: number, options?: AllocOptions): ManagedBuffer {
    return this.allocator.allocate(size, options);
  }

  /**
   * Like {@link getBuffer}, but waits while the pools are exhausted. Among those who wait for one class at one
   * priority, whoever came first is served first; a buffer that comes back goes to the highest priority. A
   * {@link getBuffer} does not look who waits.
   *
   * @param options `timeoutMs` is Infinity by default
   * @throws MillraceError `ERR_SIZE`, `ERR_INVALID_ARG`; `ERR_POOL_EXHAUSTED` when the time was up, `ERR_ABORTED`;
   *   `ERR_CLOSED` when the manager is closed meanwhile; `ERR_OUT_OF_MEMORY`, which is not waited for
   */
  async getBufferAsync(size: number, options: BufferWaitOptions = {}): Promise<ManagedBuffer> {
    const began = this.#ledger.nowMs();
    try {
      return await this.#line.get(size, options);
    } catch (error) {
      const { code } = error as MillraceError;
      const misuse = code === 'ERR_SIZE' || code === 'ERR_INVALID_ARG';
      if (!misuse) this.allocator.failed(size, options, began, error);
      throw error;
    }
  }

  /** How many wait in {@link getBufferAsync}. */
  get waiting(): number {
    return this.#line.length;
  }

  /**
   * Takes a buffer back, as its `release` does.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it came back before, and nothing is damaged by that;
   *   `ERR_SLICE_FOREIGN` when it is another manager's
   */
  returnBuffer(buffer: ManagedBuffer): void {
    this.#checkOwn(buffer, 'take back');
    buffer.release();
  }

  /**
   * Changes the size of a buffer, as its `resize` does: the content is kept.
   *
   * @throws MillraceError `ERR_SIZE`, `ERR_SLICE_STALE`, `ERR_SLICE_FOREIGN`; `ERR_POOL_EXHAUSTED`, and the buffer is
   *   as it was
   */
  resizeBuffer(buffer: ManagedBuffer, size: number): ManagedBuffer {
    this.#checkOwn(buffer, 'resize');
    return buffer.resize(size);
  }

  /** The class that serves `size` bytes, unless a get prefers another. */
  classifySize(size: number): BufferClass {
    return bufferClassOf(size, this.#settings.bufferSizes);
  }

  /** The figures of one pool. */
  statistics(bufferClass: BufferClass): PoolStatistics {
    return this.#pools[bufferClass].statistics();
  }

  /** A plain object. */
  metrics(): BufferMetrics {
    const ledger = this.#ledger;
    const { totalMemory, retrieved, hits, activeBytes, activeMemory } = ledger;
    const rates = ledger.rates();
    const hitRate = retrieved === 0 ? 1 : hits / retrieved;
    const fragmentationRatio = activeMemory === 0 ? 0 : 1 - activeBytes / activeMemory;
    const memoryEfficiency = totalMemory === 0 ? 1 : this.#neededMemory() / totalMemory;
    return {
      totalBuffers: ledger.totalBuffers,
      activeBuffers: ledger.activeBuffers,
      totalMemoryUsage: totalMemory,
      peakMemoryUsage: ledger.peakMemory,
      allocationRate: rates.retrieved,
      deallocationRate: rates.returned,
      hitRate,
      efficiencyScore: 100 * hitRate * memoryEfficiency * (1 - fragmentationRatio),
      fragmentationRatio,
    };
  }

  /**
   * Changes settings while buffers come and go: what `change` leaves out stays as it is. Buffers whose size is no
   * buffer size any more go when they come back.
   *
   * @throws MillraceError `ERR_INVALID_ARG`, and all is as it was
   */
  configure(change: BufferManagerConfig): BufferManagerSettings {
    const config = merged(this.#config, change);
    const settings = checkedFor(this.#memory, config);
    this.#config = config;
    this.#settings = settings;
    this.#ledger.sink = settings.enableMonitoring ? this.#sink : undefined;
    this.#ledger.keepUp(settings.monitoringIntervalMs, (now) => void this.#upkeep(now));
    this.allocator.configure(settings);
    if (this.#closed) return settings;
    for (const bufferClass of BUFFER_CLASSES) {
      const stock = stockOf(settings, bufferClass);
      this.#pools[bufferClass].configure(stock, settings.bufferSizes[bufferClass]);
    }
    return settings;
  }

  /**
   * Has events told to `sink`, and to no other; `undefined`: to nobody, which costs nothing.
   *
   * @param sampling which uses of buffers it is told of. @defaultValue all
   */
  onEvent(sink: BufferEventSink | undefined, sampling?: EventSampling): void {
    this.#sink = sink;
    this.#ledger.sample(sampling);
    if (this.#settings.enableMonitoring) this.#ledger.sink = sink;
  }

  /** What has been in use for `olderThanMs` or longer, oldest first. */
  leaks(olderThanMs: number): HeldBufferReport[] {
    const now = this.#ledger.nowMs();
    const report: HeldBufferReport[] = [];
    for (const stored of this.#ledger.loans.since(now - olderThanMs)) {
      const { id, bufferClass, size, metadata } = stored;
      const [heldMs, tag] = [now - stored.lastUsed, metadata?.get('tag')];
      report.push({ bufferId: id, class: bufferClass, size, heldMs, tag });
    }
    return report;
  }

  /**
   * Destroys what is too old or more than is needed, and tells of leaks. While buffers come and go that happens by
   * itself every `monitoringIntervalMs`; where none do, whoever has a timer should call it.
   */
  upkeep(): UpkeepReport {
    return this.#upkeep(this.#ledger.nowMs());
  }

  /**
   * Gives the whole stock back.
   *
   * @returns how many buffers that were
   */
  drain(): number {
    return BUFFER_CLASSES.reduce((sum, bufferClass) => sum + this.#pools[bufferClass].drain(), 0);
  }

  /**
   * Gives the stock back, and keeps none from now on: what is in use goes when it comes back. Whoever waits for a
   * buffer is refused with `ERR_CLOSED`.
   */
  close(): void {
    this.#closed = true;
    this.#line.close();
    for (const bufferClass of BUFFER_CLASSES) {
      const pool = this.#pools[bufferClass];
      pool.configure({ ...pool.settings, initialSize: 0, maxSize: 0 });
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #checkOwn(buffer: ManagedBuffer, action: string): void {
    if (buffer.stored.home.ledger === this.#ledger) return;
    throw new MillraceError(
      'ERR_SLICE_FOREIGN',
      `Cannot ${action} buffer ${buffer.id} as it is another manager's`,
    );
  }

  /** Bytes of the buffers that the most in use at once lately take; those beside the pools are all needed. */
  #neededMemory(): number {
    let needed = this.#loose.memoryUsage;
    for (const bufferClass of BUFFER_CLASSES) {
      const { memoryUsage, currentSize, active, recentPeak } = this.statistics(bufferClass);
      const total = currentSize + active;
      if (total > 0) needed += memoryUsage * Math.min(1, recentPeak / total);
    }
    return needed;
  }

  #upkeep(now: number): UpkeepReport {
    let destroyed = 0;
    for (const bufferClass of BUFFER_CLASSES) destroyed += this.#pools[bufferClass].upkeep(now);
    const { gcTriggerRatio, leakAfterMs } = this.#settings;
    const { memoryBytes, lentBytes } = this.#memory;
    const short = lentBytes > gcTriggerRatio * memoryBytes;
    if (short || (this.#guard && this.#guard.pressure !== 'normal')) destroyed += this.drain();
    let leaked = 0;
    for (const stored of this.#ledger.loans.since(now - leakAfterMs)) {
      if (stored.leaked) continue;
      stored.leaked = true;
      leaked++;
      this.#ledger.tell('leak', stored, now, now - stored.lastUsed);
    }
    this.#ledger.kept();
    return { destroyed, leaked };
  }

  /** Makes `buffer` stand for a larger memory, with the same content and metadata. */
  #move(buffer: ManagedBuffer, size: number): void {
    const ledger = this.#ledger;
    const began = ledger.nowMs();
    const other = this.allocator.allocate(size, { zeroCopy: buffer.slice !== undefined });
    try {
      other.bytes.set(buffer.bytes);
    } catch (error) {
      other.release();
      throw error;
    }
    const { metadata } = other.stored;
    other.stored.metadata = buffer.stored.metadata;
    buffer.stored.metadata = metadata;
    buffer.exchange(other);
    // What was marked is the former memory.
    other.become(buffer.state);
    buffer.become('in-use');
    if (ledger.tellsOf(buffer.stored))
      ledger.tell('resized', buffer.stored, began, ledger.nowMs() - began);
    other.release();
  }
}

function checkedFor(memory: ManagedMemory, config: BufferManagerConfig): BufferManagerSettings {
  const settings = checkedManagerConfig(config);
  const { huge } = settings.bufferSizes;
  if (huge <= memory.largest) return settings;
  const rule = `at most ${memory.largest}, which is the largest slice`;
  throw invalidSetting('manage buffers with', 'bufferSizes.huge', huge, rule);
}

/** What a pool goes by: where buffers do not come from the stock, there is none. */
function stockOf(settings: BufferManagerSettings, bufferClass: BufferClass): PoolSettings {
  const { enablePooling, allocationStrategy, pools } = settings;
  const stocked = enablePooling && allocationStrategy !== 'direct';
  return stocked ? pools[bufferClass] : { ...pools[bufferClass], initialSize: 0, maxSize: 0 };
}
