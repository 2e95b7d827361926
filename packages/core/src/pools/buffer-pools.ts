/**
 * The pools of all size classes over one memory, as one thread sees them: `mill.buffers`.
 */
import { MillraceError } from '../errors.js';
import { SLAB_BYTES, slabOf, type SlotRef } from '../memory/layout.js';
import { SIZE_CLASSES, classOf } from '../memory/size-classes.js';
import { SlabTable, type MemoryHandle } from '../memory/slab-table.js';
import { StripedCounters, addTo } from '../metrics/counters.js';
import { Slice, type SliceOwner } from '../slices/slice.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
import { SizedBufferPool } from './sized-pool.js';

/** Counters that the pools keep; what a user of the same memory adds comes after them. */
const LEASED = 0;
const RETURNED = 1;
const SWEPT = 2;
const POOL_COUNTERS = 3;
/** Of the caller's: each takes 1 KiB, a word pair in every thread's stripe. */
const MOST_COUNTERS = 4096;

export interface BufferPoolsOptions {
  /** The most bytes that slices may take together; rounded down to whole slabs of 4 MiB. */
  memory: number;
  /** Room for the caller's own counters, see {@link BufferPools.counter}. @defaultValue 0 */
  counters?: number;
}

export interface BufferPoolsStats {
  /** The most bytes that slices may take together. */
  memoryBytes: number;
  /** Bytes of it made addressable so far. */
  openBytes: number;
  /** `wasm` or `plain`, and for `plain` why. */
  arena: { kind: 'wasm' | 'plain'; reason?: string };
  /** Leases begun, ended by release, and ended by a sweep after a thread's death; and those that last. */
  slices: { leased: number; returned: number; swept: number; live: number };
}

export class BufferPools implements SliceOwner {
  readonly thread: ThreadId;
  readonly registry: ThreadRegistry;
  readonly counters: StripedCounters;
  readonly #table: SlabTable;
  readonly #pools: readonly SizedBufferPool[];
  readonly #leasedAt: number;
  readonly #returnedAt: number;
  readonly #waiters: (() => void)[] = [];

  private constructor(table: SlabTable, thread: ThreadId | undefined, owner: number) {
    this.#table = table;
    this.registry = new ThreadRegistry(table.words, table.layout);
    this.thread = thread ?? this.registry.register(owner);
    this.counters = new StripedCounters(table.words, table.layout);
    this.#leasedAt = this.counters.at(this.thread, LEASED);
    this.#returnedAt = this.counters.at(this.thread, RETURNED);
    this.#pools = SIZE_CLASSES.map(
      (_, sizeClass) => new SizedBufferPool(table, sizeClass, this.thread),
    );
  }

  /**
   * Reserves shared memory and registers the calling thread.
   *
   * @param owner what the thread's runtime calls it, such as Node's `threadId`
   * @throws MillraceError `ERR_INVALID_ARG`, `ERR_ARENA_UNAVAILABLE`
   */
  static create(options: BufferPoolsOptions, owner: number): BufferPools {
    const { memory, counters = 0 } = options;
    const most = 2 ** 21 * SLAB_BYTES;
    if (!Number.isInteger(memory) || memory < SLAB_BYTES || memory > most) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot use "memory" of ${String(memory)} as it must be an integer from ${SLAB_BYTES} (4 MiB) to ${most} bytes`,
      );
    }
    if (!Number.isInteger(counters) || counters < 0 || counters > MOST_COUNTERS) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot keep "counters" of ${String(counters)} as it must be an integer from 0 to ${MOST_COUNTERS}`,
      );
    }
    const slabs = Math.floor(memory / SLAB_BYTES);
    return new BufferPools(SlabTable.create(slabs, POOL_COUNTERS + counters), undefined, owner);
  }

  /**
   * Attaches memory of another thread, as the thread that was registered there as `thread`.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when the memory is not millrace's, or has no such thread
   */
  static attach(handle: MemoryHandle, thread: ThreadId): BufferPools {
    const table = SlabTable.attach(handle);
    if (!new ThreadRegistry(table.words, table.layout).isAlive(thread)) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        `Cannot attach memory as thread ${String(thread)} as it is not registered there`,
      );
    }
    return new BufferPools(table, thread, 0);
  }

  get handle(): MemoryHandle {
    return this.#table.handle;
  }

  /**
   * Leases a slice.
   *
   * @param bytes an integer from 1 to 4 MiB
   * @throws MillraceError `ERR_SIZE`; `ERR_POOL_EXHAUSTED` when all memory is lent
   */
  acquire(bytes: number): Slice {
    const slice = this.tryAcquire(bytes);
    if (slice) return slice;
    throw new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot lease ${bytes} bytes as no slot of ${SIZE_CLASSES[classOf(bytes)]!} bytes is free and all ${this.#table.layout.slabs * SLAB_BYTES} bytes are in use; raise "memory" or release slices sooner`,
    );
  }

  /** Like {@link acquire}, but `undefined` when nothing is free. */
  tryAcquire(bytes: number): Slice | undefined {
    const pool = this.#pools[classOf(bytes)]!;
    const ref = pool.acquire();
    if (ref === undefined) return undefined;
    addTo(this.#table.words, this.#leasedAt, 1);
    return new Slice(this, ref, pool.leaseOf(ref), bytes);
  }

  /** Resolves when this thread has released something, for whoever tried in vain. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The first `length` bytes of a slot that another thread leased and told of. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#table.viewOf(ref, length);
  }

  takeBack(slice: Slice): void {
    if (!this.#poolOf(slice).release(slice.ref, slice.lease)) {
      throw new MillraceError(
        'ERR_SLICE_STALE',
        `Cannot release the slice of ${slice.byteLength} bytes in slot ${slice.ref} as its lease has ended already`,
      );
    }
    addTo(this.#table.words, this.#returnedAt, 1);
    if (this.#waiters.length > 0) this.#wakeWaiters();
  }

  isLive(slice: Slice): boolean {
    return this.#poolOf(slice).holds(slice.ref, slice.lease);
  }

  /**
   * Returns everything that a thread which is dead for certain held, and frees its id.
   *
   * @returns how many leases that ended; 0 when somebody else has swept it
   */
  sweep(thread: ThreadId): number {
    if (!this.registry.bury(thread)) return 0;
    let swept = 0;
    for (let slab = 0; slab < this.#table.layout.slabs; slab++) {
      const sizeClass = this.#table.classOf(slab);
      if (sizeClass !== undefined) swept += this.#pools[sizeClass]!.sweep(slab, thread);
    }
    for (const pool of this.#pools) pool.forget(thread);
    this.#settle(thread, swept);
    this.registry.recycle(thread);
    this.#wakeWaiters();
    return swept;
  }

  /** Adds to the counter at `at`, which must be of this thread's stripe: see {@link StripedCounters.at}. */
  count(at: number, amount: number): void {
    addTo(this.#table.words, at, amount);
  }

  /** The index of the caller's own counter `index`, for {@link counters}. */
  counter(index: number): number {
    return POOL_COUNTERS + index;
  }

  stats(): BufferPoolsStats {
    const plain = this.#table.arenas.find((arena) => arena.kind === 'plain');
    // What has ended is read before what has begun: while others lease, `live` may be too high, never negative.
    const returned = this.counters.sum(RETURNED);
    const swept = this.counters.sum(SWEPT);
    const leased = this.counters.sum(LEASED);
    return {
      memoryBytes: this.#table.layout.slabs * SLAB_BYTES,
      openBytes: this.#table.openBytes,
      arena: plain ? { kind: 'plain', reason: plain.reason ?? '' } : { kind: 'wasm' },
      slices: { leased, returned, swept, live: leased - returned - swept },
    };
  }

  /**
   * Writes into the dead thread's own stripe that a sweep ended `swept` leases of it. It may have died
   * between a slot's exchange and the count of it, and the slots are right: after this it has none open.
   */
  #settle(thread: ThreadId, swept: number): void {
    const { counters } = this;
    const ended = counters.of(thread, RETURNED) + counters.of(thread, SWEPT);
    const uncounted = counters.of(thread, LEASED) - ended - swept;
    if (uncounted < 0) counters.add(thread, LEASED, -uncounted);
    else counters.add(thread, RETURNED, uncounted);
    counters.add(thread, SWEPT, swept);
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #poolOf(slice: Slice): SizedBufferPool {
    if (slice.owner !== this) {
      throw new MillraceError(
        'ERR_SLICE_FOREIGN',
        `Cannot take back the slice in slot ${slice.ref} as other pools lent it`,
      );
    }
    return this.#pools[this.#table.classOf(slabOf(slice.ref))!]!;
  }
}
