/**
 * The allocator: which buffer serves a get.
 *
 *   slice wanted? ──no──▶ direct, or hybrid above poolThreshold ──▶ private memory
 *        │ yes, or pooled
 *        ▼
 *   fits the buffers of its class, and maxSize? ──yes──▶ stock of the class ──empty──▶ new buffer for it
 *        │ no
 *        ▼
 *   slice of its own, which is not kept
 *
 * Where the pools are exhausted, the stock of the manager's classes goes back, one class after the other, and it
 * is tried again.
 */
import { MillraceError } from '../errors.js';
import type { AcquireOptions } from '../pools/pool-options.js';
import type { Slice, SliceHandle } from '../slices/slice.js';
import { checkOptions, type AllocOptions } from './alloc-options.js';
import { BUFFER_CLASSES, bufferClassOf, type BufferClass } from './buffer-class.js';
import type { BufferLedger } from './buffer-ledger.js';
import { PLAIN_TERMS, isShortage, type GetTerms } from './buffer-works.js';
import type { LooseBuffers } from './loose-buffers.js';
import type { ManagedBuffer } from './managed-buffer.js';
import type { BufferAllocationStrategy, BufferManagerSettings } from './managed-settings.js';
import type { SizedBufferPool } from './sized-buffer-pool.js';

/** Pools by class. */
export type ClassPools = Readonly<Record<BufferClass, SizedBufferPool>>;

/** Pools of slices, as far as a manager needs them: `BufferPools`. */
export interface ManagedMemory {
  acquire(bytes: number, options?: AcquireOptions): Slice;
  /** Without it, those who wait are served with what comes back to the manager alone. */
  acquireAsync?(bytes: number, options?: AcquireOptions): Promise<Slice>;
  /** The most bytes that may be lent. */
  readonly memoryBytes: number;
  readonly lentBytes: number;
  /** The most bytes that one slice can have. */
  readonly largest: number;
  /** The calling thread's number. */
  readonly thread: number;
}

export interface AllocationStats {
  /** Buffers from pools, and slices that fit none. */
  readonly pooledAllocations: number;
  /** Buffers of private memory. */
  readonly directAllocations: number;
  /** Slices that were asked for as `zeroCopy`, or are what the strategy `zero-copy` gives. */
  readonly zeroCopyAllocations: number;
  /** Gets that were served with no buffer: what they threw was not about their arguments. */
  readonly failedAllocations: number;
  /** Bytes of memory that the buffers in use take. */
  readonly totalMemory: number;
  /** The most that {@link totalMemory} has been. */
  readonly peakMemory: number;
}

/** Private memory is aligned to this at least. */
const PRIVATE_ALIGNMENT = 8;
const NO_OPTIONS: AllocOptions = {};
const DIRECT_TERMS: GetTerms = { ...PLAIN_TERMS, direct: true };

export class BufferAllocator {
  readonly #ledger: BufferLedger;
  readonly #pools: ClassPools;
  readonly #loose: LooseBuffers;
  readonly #memory: ManagedMemory;
  #settings: BufferManagerSettings;
  /** Without options, buffers up to so many bytes come from the stock. */
  #stockedUpTo = 0;
  #pooled = 0;
  #direct = 0;
  #zeroCopy = 0;
  #failed = 0;
  /** What was last asked for to be `local`. */
  #near: SliceHandle | undefined;
  readonly #checkSpare = (): void => this.#mustBeSpare();
  readonly #follow: (strategy: BufferAllocationStrategy) => void;

  /** @param follow has the manager go by another strategy */
  constructor(
    ledger: BufferLedger,
    pools: ClassPools,
    loose: LooseBuffers,
    memory: ManagedMemory,
    settings: BufferManagerSettings,
    follow: (strategy: BufferAllocationStrategy) => void,
  ) {
    this.#ledger = ledger;
    this.#pools = pools;
    this.#loose = loose;
    this.#memory = memory;
    this.#settings = settings;
    this.#follow = follow;
    this.configure(settings);
  }

  get strategy(): BufferAllocationStrategy {
    return this.#settings.allocationStrategy;
  }

  /**
   * Allocates by another strategy from now on, as `configure` of the manager has it.
   *
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  set strategy(strategy: BufferAllocationStrategy) {
    this.#follow(strategy);
  }

  /** For the manager: other settings hold from now on. */
  configure(settings: BufferManagerSettings): void {
    this.#settings = settings;
    const { enablePooling, allocationStrategy, poolThreshold, bufferSizes } = settings;
    const pooled = enablePooling && allocationStrategy === 'pooled';
    const hybrid = enablePooling && allocationStrategy === 'hybrid';
    this.#stockedUpTo = pooled
      ? bufferSizes.huge
      : hybrid
        ? Math.min(poolThreshold, bufferSizes.huge)
        : 0;
  }

  /**
   * @param size an integer of 1 or more
   * @throws MillraceError `ERR_SIZE`, `ERR_INVALID_ARG`; `ERR_POOL_EXHAUSTED`, `ERR_OUT_OF_MEMORY`
   */
  allocate(size: number, options?: AllocOptions): ManagedBuffer {
    if (options === undefined && size <= this.#stockedUpTo && size >= 1 && Number.isInteger(size)) {
      // The hot path.
      const buffer = this.#pools[bufferClassOf(size, this.#settings.bufferSizes)].take(size);
      if (buffer !== undefined) {
        this.#pooled++;
        return buffer;
      }
    }
    return this.#allocateAnyhow(size, options ?? NO_OPTIONS);
  }

  /** Gives a buffer back, as its `release` does. */
  deallocate(buffer: ManagedBuffer): void {
    buffer.release();
  }

  stats(): AllocationStats {
    return {
      pooledAllocations: this.#pooled,
      directAllocations: this.#direct,
      zeroCopyAllocations: this.#zeroCopy,
      failedAllocations: this.#failed,
      totalMemory: this.#ledger.activeMemory,
      peakMemory: this.#ledger.peakActiveMemory,
    };
  }

  /** For the line of those who wait: a buffer, unless the pools are exhausted, which is counted nowhere. */
  attempt(size: number, options: AllocOptions): ManagedBuffer | undefined {
    const needed = this.#check(size, options);
    try {
      return this.#serve(size, needed, options);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_POOL_EXHAUSTED') return undefined;
      throw error;
    }
  }

  /** For the line: the class and bytes of the slice that would be made. */
  shapeOf(size: number, options: AllocOptions): { bufferClass: BufferClass; bytes: number } {
    const needed = this.#check(size, options);
    const bufferClass = this.#classOf(needed, options);
    const bufferSize = this.#settings.bufferSizes[bufferClass];
    const bytes = this.#isStocked(bufferSize, needed, options) ? bufferSize : needed;
    return { bufferClass, bytes };
  }

  /** For the manager: a get that began at `beganMs` was served with no buffer. */
  failed(size: number, options: AllocOptions, beganMs: number, error: unknown): void {
    this.#failed++;
    const bufferClass = this.#classOf(Math.max(size, options.minSize ?? size), options);
    const none = { id: 0, size, bufferClass, metadata: undefined };
    this.#ledger.tell('retrieved', none, beganMs, this.#ledger.nowMs() - beganMs, error);
  }

  #allocateAnyhow(size: number, options: AllocOptions): ManagedBuffer {
    const needed = this.#check(size, options);
    const began = this.#ledger.nowMs();
    try {
      return this.#serve(size, needed, options);
    } catch (error) {
      this.failed(size, options, began, error);
      throw error;
    }
  }

  #serve(size: number, needed: number, options: AllocOptions): ManagedBuffer {
    const { zeroCopy = this.strategy === 'zero-copy', priority } = options;
    if (this.#isDirect(needed, zeroCopy, options))
      return this.#allocateDirect(size, needed, options);
    try {
      const buffer = this.#allocateSlice(size, needed, options);
      if (zeroCopy) this.#zeroCopy++;
      else this.#pooled++;
      return buffer;
    } catch (error) {
      const urgent = priority === 'high' || priority === 'critical';
      const mayBePrivate = this.strategy === 'hybrid' && !zeroCopy && !this.#isAligned(options);
      if (!urgent || !mayBePrivate || !isShortage(error)) throw error;
      return this.#allocateDirect(size, needed, options);
    }
  }

  /** @returns the bytes that the buffer must have */
  #check(size: number, options: AllocOptions): number {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot get a buffer of ${String(size)} bytes as the size must be an integer of 1 or more`,
      );
    }
    if (options === NO_OPTIONS) return size;
    checkOptions(options);
    const { minSize = size, maxSize = Infinity, alignment = 1, zeroCopy } = options;
    const needed = Math.max(size, minSize);
    if (needed > maxSize) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot get a buffer of ${needed} bytes as "maxSize" is ${maxSize}`,
      );
    }
    if (this.strategy === 'direct' && this.#isAligned(options) && zeroCopy !== true) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot get a buffer with "alignment" of ${alignment} by the strategy "direct" as of private memory no more than ${PRIVATE_ALIGNMENT} is known; ask for "zeroCopy"`,
      );
    }
    return needed;
  }

  #isDirect(needed: number, zeroCopy: boolean, options: AllocOptions): boolean {
    if (zeroCopy || this.#isAligned(options)) return false;
    const { enablePooling, allocationStrategy, poolThreshold } = this.#settings;
    if (!enablePooling || allocationStrategy === 'direct') return true;
    return allocationStrategy === 'hybrid' && needed > poolThreshold;
  }

  /** Whether it must lie as slices alone do. */
  #isAligned({ alignment = 1 }: AllocOptions): boolean {
    return alignment > PRIVATE_ALIGNMENT;
  }

  #allocateDirect(size: number, needed: number, options: AllocOptions): ManagedBuffer {
    const { tag } = options;
    const terms = tag === undefined ? DIRECT_TERMS : { ...DIRECT_TERMS, tag };
    const buffer = this.#loose.get(this.#classOf(needed, options), size, needed, terms);
    this.#direct++;
    return buffer;
  }

  #allocateSlice(size: number, needed: number, options: AllocOptions): ManagedBuffer {
    const terms = options === NO_OPTIONS ? PLAIN_TERMS : this.#termsOf(options);
    const get = (): ManagedBuffer => this.#getSlice(size, needed, options, terms);
    const buffer = this.#withRelief(get, options.priority === 'low');
    if (this.#isLocal(options)) this.#near = buffer.slice;
    return buffer;
  }

  #getSlice(size: number, needed: number, options: AllocOptions, terms: GetTerms): ManagedBuffer {
    const bufferClass = this.#classOf(needed, options);
    return this.#isStocked(this.#settings.bufferSizes[bufferClass], needed, options)
      ? this.#pools[bufferClass].get(size, terms)
      : this.#loose.get(bufferClass, size, needed, terms);
  }

  /** Whether it can be one of those in stock, which have `bufferSize` bytes. */
  #isStocked(bufferSize: number, needed: number, { maxSize = Infinity }: AllocOptions): boolean {
    const { enablePooling, allocationStrategy } = this.#settings;
    if (!enablePooling || allocationStrategy === 'direct') return false;
    return bufferSize >= needed && bufferSize <= maxSize;
  }

  /** Gives the stock back, a class at a time, while that is what it takes. */
  #withRelief(get: () => ManagedBuffer, frugal: boolean): ManagedBuffer {
    const byMemory = (a: BufferClass, b: BufferClass): number =>
      this.#stockBytes(b) - this.#stockBytes(a);
    for (;;) {
      try {
        return get();
      } catch (error) {
        const spare = BUFFER_CLASSES.toSorted(byMemory)[0]!;
        if (frugal || !isShortage(error) || this.#stockBytes(spare) === 0) throw error;
        this.#pools[spare].drain();
      }
    }
  }

  #stockBytes(bufferClass: BufferClass): number {
    const { bufferSize, currentSize } = this.#pools[bufferClass];
    return bufferSize * currentSize;
  }

  #classOf(needed: number, { preferredClass }: AllocOptions): BufferClass {
    const { bufferSizes } = this.#settings;
    if (preferredClass !== undefined && bufferSizes[preferredClass] >= needed)
      return preferredClass;
    return bufferClassOf(needed, bufferSizes);
  }

  #termsOf(options: AllocOptions): GetTerms {
    const { priority, locality, tag } = options;
    return {
      direct: false,
      critical: priority === 'critical',
      near: this.#isLocal(options) ? this.#near : undefined,
      oldest: locality === 'remote',
      checkSpare: priority === 'low' ? this.#checkSpare : undefined,
      tag,
    };
  }

  #isLocal({ locality }: AllocOptions): boolean {
    return locality === 'local' || locality === 'numa';
  }

  #mustBeSpare(): void {
    const { memoryBytes, lentBytes } = this.#memory;
    const { gcTriggerRatio } = this.#settings;
    if (lentBytes <= gcTriggerRatio * memoryBytes) return;
    throw new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot make another buffer of low priority as ${lentBytes} of ${memoryBytes} bytes are lent, more than the "gcTriggerRatio" of ${gcTriggerRatio} allows`,
    );
  }
}
