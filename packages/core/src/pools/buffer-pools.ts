/**
 * The pools of all size classes over one memory, as one thread sees them: `mill.buffers`.
 */
import { MillraceError } from '../errors.js';
import type { ArenaRenewal } from '../memory/arenas.js';
import { PAGE_BYTES } from '../memory/geometry.js';
import { SLAB_BYTES, SLAB_WORDS, slabOf, type SlotRef } from '../memory/layout.js';
import { CLASS_COUNT, LARGEST_CLASS_BYTES, classOf } from '../memory/size-classes.js';
import { SlabTable, type MemoryHandle } from '../memory/slab-table.js';
import { slabPoolOf } from '../memory/slab-word.js';
import { StripedCounters, addTo } from '../metrics/counters.js';
import { Slice, type SliceHandle, type SliceOwner } from '../slices/slice.js';
import { LIVE, stateOf } from '../slices/slot-word.js';
import type { LeakRecord } from '../slices/watched-slice.js';
import type { WaitLimits } from '../sync/patience.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
import { PoolRoom } from './pool-room.js';
import { AWAITED, STALE, type SizedBufferPool } from './sized-pool.js';
import { checked, fromWords, toWords, type BufferPoolsOptions } from './settings.js';
import { sweep } from './sweeper.js';
import { WAITING_ROOM_WORDS, WaitingRoom } from './waiting-room.js';
import { Watch } from './watch.js';

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
   * it must reach {@link BufferPools.takeRenewal}. Without it, `trim` drops no arena.
   */
  onRenewal?: (renewal: ArenaRenewal) => void;
  /** On any other: takes in renewals that were sent, synchronously. */
  onUnknownArena?: () => void;
}

/** How an acquire goes about it when memory is short. */
export interface AcquireOptions extends WaitLimits {
  /** `critical` may use the reserve. @defaultValue 'normal' */
  readonly priority?: 'normal' | 'critical';
}

export class BufferPools implements SliceOwner {
  readonly thread: ThreadId;
  readonly registry: ThreadRegistry;
  readonly counters: StripedCounters;
  readonly #words: Int32Array;
  readonly #slabsAt: number;
  /** By number: see `POOL_COUNT`. */
  readonly #pools: readonly SizedBufferPool[];
  readonly #table: SlabTable;
  readonly #room: PoolRoom;
  readonly #watch: Watch | undefined;
  readonly #hooks: PoolHooks;
  readonly #madeMs = performance.now();
  readonly #waiters: (() => void)[] = [];
  /** How many slices of this thread share a seat in a slot. */
  readonly #seats = new Map<SlotRef, number>();

  private constructor(
    table: SlabTable,
    thread: ThreadId | undefined,
    owner: number,
    hooks: PoolHooks,
  ) {
    this.#table = table;
    this.#hooks = hooks;
    this.registry = new ThreadRegistry(table.words, table.layout);
    this.thread = thread ?? this.registry.register(owner);
    this.counters = new StripedCounters(table.words, table.layout);
    const settings = fromWords(table.words);
    this.#room = new PoolRoom(table, this.thread, settings);
    this.#words = table.words;
    this.#slabsAt = table.layout.slabsAt;
    this.#pools = this.#room.pools;
    this.#watch =
      settings.safety === 'off'
        ? undefined
        : new Watch(this, this.#room, table, settings.safety, hooks.onReport);
    table.arenas.onUnknown = hooks.onUnknownArena;
  }

  /**
   * Reserves shared memory and registers the calling thread.
   *
   * @param owner what the thread's runtime calls it, such as Node's `threadId`
   * @throws MillraceError `ERR_INVALID_ARG`, `ERR_ARENA_UNAVAILABLE`
   */
  static create(options: BufferPoolsOptions, owner: number, hooks: PoolHooks = {}): BufferPools {
    const { slabs, counters, settings } = checked(options);
    const table = SlabTable.create({
      slabs,
      counters,
      extra: WAITING_ROOM_WORDS,
      guard: settings.safety === 'off' ? 0 : PAGE_BYTES,
      settings: toWords(settings),
    });
    WaitingRoom.init(table.words, table.layout);
    return new BufferPools(table, undefined, owner, hooks);
  }

  /**
   * Attaches memory of another thread, as the thread that was registered there as `thread`.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when the memory is not millrace's, or has no such thread
   */
  static attach(handle: MemoryHandle, thread: ThreadId, hooks: PoolHooks = {}): BufferPools {
    const table = SlabTable.attach(handle);
    if (!new ThreadRegistry(table.words, table.layout).isAlive(thread)) {
      throw new MillraceError(
        'ERR_BAD_HANDLE',
        `Cannot attach memory as thread ${String(thread)} as it is not registered there`,
      );
    }
    return new BufferPools(table, thread, 0, hooks);
  }

  get handle(): MemoryHandle {
    return this.#table.handle;
  }

  /** The most bytes that one slice can have. */
  get largest(): number {
    return this.#room.largest;
  }

  /**
   * Leases a slice. When none is free, it waits for `timeoutMs`, which blocks the thread.
   *
   * @param bytes an integer from 1 to {@link largest}
   * @param options `timeoutMs` is 0 by default
   * @throws MillraceError `ERR_SIZE`; `ERR_POOL_EXHAUSTED` when all memory is lent;
   *   `ERR_CANNOT_BLOCK` when it would have to wait on a thread that may not block
   */
  acquire(bytes: number, options?: AcquireOptions): Slice {
    const slice = this.#lease(bytes, options?.priority === 'critical');
    if (slice !== undefined) return slice;
    this.#missed(bytes);
    if (!((options?.timeoutMs ?? 0) > 0)) throw this.#exhausted(bytes, 0);
    const critical = options?.priority === 'critical';
    try {
      return this.#room.waiting.wait(lineOf(bytes), () => this.#lease(bytes, critical), options!);
    } catch (error) {
      throw this.#inTime(error, bytes, options?.timeoutMs);
    }
  }

  /** Like {@link acquire}, but `undefined` when nothing is free now. */
  tryAcquire(bytes: number, options?: AcquireOptions): Slice | undefined {
    const slice = this.#lease(bytes, options?.priority === 'critical');
    if (slice === undefined) this.#missed(bytes);
    return slice;
  }

  /**
   * Leases a slice as soon as one is free. All that wait for one size class, on all threads, are served
   * in the order in which they came.
   *
   * @param options `timeoutMs` is Infinity by default
   * @throws MillraceError `ERR_SIZE`, `ERR_ABORTED`; `ERR_POOL_EXHAUSTED` when the time was up
   */
  async acquireAsync(bytes: number, options: AcquireOptions = {}): Promise<Slice> {
    const critical = options.priority === 'critical';
    const line = lineOf(bytes);
    const first = this.#room.waiting.busy(line) ? undefined : this.#lease(bytes, critical);
    if (first) return first;
    this.#missed(bytes);
    this.#room.check(bytes);
    try {
      return await this.#room.waiting.waitAsync(line, () => this.#lease(bytes, critical), options);
    } catch (error) {
      throw this.#inTime(error, bytes, options.timeoutMs);
    }
  }

  /** Resolves when this thread has released something, for whoever tried in vain. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /**
   * Takes over the lease that another thread, or this one, handed over.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it has ended, or somebody else was first;
   *   `ERR_BAD_HANDLE` when that is no handle of this memory
   */
  adopt(handle: SliceHandle): Slice {
    this.#room.checkHandle(handle);
    const { ref, lease, byteLength } = handle;
    const adopted = this.#room.adopt(ref, lease);
    if (adopted === undefined) throw stale('adopt', handle);
    return (
      this.#watch?.adopted(ref, adopted, byteLength) ?? new Slice(this, ref, adopted, byteLength)
    );
  }

  /**
   * Joins a slice that another thread shares, to read it. It is free when all have released it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when all who held it have released it already;
   *   `ERR_BAD_HANDLE` when that is no handle of this memory
   */
  join(handle: SliceHandle): Slice {
    this.#room.checkHandle(handle);
    const { ref, lease, byteLength } = handle;
    const seats = this.#seats.get(ref) ?? 0;
    if (seats === 0 && !this.#room.sharing.join(ref, lease)) throw stale('join', handle);
    if (seats > 0 && !this.#room.holds(ref, lease)) throw stale('join', handle);
    this.#seats.set(ref, seats + 1);
    return new Slice(this, ref, lease, byteLength);
  }

  /** The threads that hold the shared slice `slice`. */
  holdersOf(slice: SliceHandle): ThreadId[] {
    return this.#room.sharing.holders(slice.ref);
  }

  /** The first `length` bytes of a slot that another thread leased and told of. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#table.viewOf(ref, length);
  }

  takeBack(slice: Slice): void {
    if (slice.owner !== this) {
      throw new MillraceError(
        'ERR_SLICE_FOREIGN',
        `Cannot take back the slice in slot ${slice.ref} as other pools, or another thread's, lent it`,
      );
    }
    const { ref } = slice;
    const slabWord = this.#words[this.#slabsAt + slabOf(ref) * SLAB_WORDS]!;
    const pool = this.#pools[slabPoolOf(slabWord)];
    if (this.#watch !== undefined || pool === undefined || stateOf(slice.lease) !== LIVE) {
      this.#takeBackSpecial(slice, pool);
      return;
    }
    const outcome = pool.release(ref, slice.lease);
    if (outcome === STALE) throw stale('release', slice);
    if (outcome === AWAITED || this.#waiters.length > 0) this.#freed();
  }

  isLive(slice: Slice): boolean {
    return this.#room.holds(slice.ref, slice.lease);
  }

  share(slice: Slice): number {
    if (this.#room.isShared(slice.lease)) return slice.lease;
    const shared = this.#room.sharing.share(slice.ref, slice.lease);
    if (shared === undefined) throw stale('share', slice);
    this.#watch?.forget(slice);
    this.#seats.set(slice.ref, 1);
    return shared;
  }

  resize(slice: Slice, byteLength: number): SliceHandle {
    this.#room.check(byteLength);
    if (this.#room.isShared(slice.lease)) {
      throw new MillraceError('ERR_INVALID_ARG', 'Cannot resize a slice that is shared');
    }
    if (byteLength <= this.#room.capacityOf(slice.ref)) {
      this.#watch?.resized(slice, byteLength);
      return { ref: slice.ref, lease: slice.lease, byteLength };
    }
    const larger = this.acquire(byteLength);
    larger.bytes.set(slice.bytes);
    try {
      this.takeBack(slice);
    } catch (error) {
      larger.release();
      throw error;
    }
    this.#watch?.forget(larger);
    return larger;
  }

  /**
   * Returns everything that a thread which is dead for certain held, and frees its id.
   *
   * @param owner what the thread's runtime called it when it was registered
   * @returns how many leases that ended; 0 when somebody else has swept it
   */
  sweep(thread: ThreadId, owner: number): number {
    const swept = sweep(this.#room, thread, owner);
    this.#freed();
    return swept;
  }

  /**
   * Gives spare memory back: this thread's magazines, then idle slabs as `shrinkThreshold` and `maxAgeMs`
   * say, then, on the thread that made the memory, idle arenas. Also moves the clock by which ages go.
   * To be called now and then; the mill does.
   *
   * @returns how many slabs are open to any size class again, and how many arenas were dropped
   */
  trim(): { slabs: number; arenas: number } {
    this.#room.tick(performance.now() - this.#madeMs);
    for (const pool of this.#room.pools) pool.flush();
    const slabs = this.#room.growth.shrink();
    const { onRenewal } = this.#hooks;
    const arenas = onRenewal ? this.#room.dropIdleArenas(onRenewal) : 0;
    // Also what was held for a moment only was out of reach of those who looked meanwhile, and wait now.
    this.#freed();
    return { slabs, arenas };
  }

  /** Takes in that an arena was dropped and renewed, see {@link PoolHooks.onRenewal}. */
  takeRenewal(renewal: ArenaRenewal): void {
    this.#table.takeRenewal(renewal);
  }

  /** Watched slices of all threads that have been held for `olderThanMs` or longer. */
  leaks(olderThanMs: number): LeakRecord[] {
    return this.#watch?.olderThan(olderThanMs) ?? [];
  }

  /** Adds to the counter at `at`, which must be of this thread's stripe: see {@link StripedCounters.at}. */
  count(at: number, amount: number): void {
    addTo(this.#table.words, at, amount);
  }

  stats(): BufferPoolsStats {
    const plain = this.#table.arenas.all.find((arena) => arena.kind === 'plain');
    const { leased, ended, swept } = this.#room.count.sums();
    return {
      memoryBytes: this.#table.layout.slabs * SLAB_BYTES,
      openBytes: this.#table.arenas.openBytes,
      arena: plain ? { kind: 'plain', reason: plain.reason ?? '' } : { kind: 'wasm' },
      slices: { leased, returned: ended - swept, swept, live: leased - ended },
    };
  }

  #lease(bytes: number, critical: boolean): Slice | undefined {
    if (this.#watch !== undefined || !(bytes <= LARGEST_CLASS_BYTES)) {
      return this.#leaseSpecial(bytes, critical);
    }
    const sizeClass = classOf(bytes);
    const pool = this.#pools[sizeClass]!;
    const ref = pool.acquire();
    if (ref !== undefined) return new Slice(this, ref, pool.lease, bytes);
    if (!critical) return undefined;
    const reserve = this.#pools[sizeClass + CLASS_COUNT]!;
    const reserved = reserve.acquire();
    return reserved === undefined ? undefined : new Slice(this, reserved, reserve.lease, bytes);
  }

  /** For a run slabs were held in vain: whoever waits for one may have missed them. */
  #missed(bytes: number): void {
    if (bytes > LARGEST_CLASS_BYTES) this.#room.waiting.call();
  }

  /** A slice that is a run, or watched. */
  #leaseSpecial(bytes: number, critical: boolean): Slice | undefined {
    if (!(bytes <= LARGEST_CLASS_BYTES)) return this.#leaseRun(bytes, critical);
    let pool = this.#pools[classOf(bytes)]!;
    for (;;) {
      let ref = pool.acquire();
      if (ref === undefined && critical) {
        pool = this.#pools[classOf(bytes) + CLASS_COUNT]!;
        ref = pool.acquire();
      }
      if (ref === undefined) return undefined;
      const slice = this.#watch!.begun(ref, pool.lease, bytes);
      if (slice) return slice;
    }
  }

  #leaseRun(bytes: number, critical: boolean): Slice | undefined {
    const ref = this.#room.acquireRun(bytes, critical);
    if (ref === undefined) return undefined;
    const { lease } = this.#room.runs;
    return this.#watch?.begun(ref, lease, bytes) ?? new Slice(this, ref, lease, bytes);
  }

  /** A slice that is shared, a run, or watched. */
  #takeBackSpecial(slice: Slice, pool: SizedBufferPool | undefined): void {
    if (this.#room.isShared(slice.lease)) this.#leave(slice);
    else {
      const lease = this.#watch ? this.#watch.ending(slice) : slice.lease;
      const released = pool
        ? pool.release(slice.ref, lease) !== STALE
        : this.#room.releaseRun(slice.ref, lease);
      if (!released) throw stale('release', slice);
    }
    this.#freed();
  }

  #leave(slice: Slice): void {
    const seats = this.#seats.get(slice.ref) ?? 0;
    if (seats === 0) throw stale('release', slice);
    if (seats > 1) this.#seats.set(slice.ref, seats - 1);
    else {
      this.#seats.delete(slice.ref);
      this.#room.sharing.leave(slice.ref);
    }
  }

  #freed(): void {
    if (this.#room.attended) this.#room.waiting.call();
    if (this.#waiters.length > 0) for (const wake of this.#waiters.splice(0)) wake();
  }

  #inTime(error: unknown, bytes: number, timeoutMs: number | undefined): unknown {
    const late = error instanceof MillraceError && error.code === 'ERR_TIMEOUT';
    return late ? this.#exhausted(bytes, timeoutMs ?? 0) : error;
  }

  #exhausted(bytes: number, afterMs: number): MillraceError {
    const within = afterMs > 0 ? ` within ${afterMs} ms` : '';
    return new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot lease ${bytes} bytes${within} as no slot for them is free and all ${this.#table.layout.slabs * SLAB_BYTES} bytes are in use; raise "memory" or release slices sooner`,
    );
  }
}

/** The line in which a slice of `bytes` bytes is waited for. */
function lineOf(bytes: number): number {
  return bytes <= LARGEST_CLASS_BYTES ? classOf(bytes) : CLASS_COUNT - 1;
}

function stale(action: string, { ref, byteLength }: SliceHandle): MillraceError {
  return new MillraceError(
    'ERR_SLICE_STALE',
    `Cannot ${action} the slice of ${byteLength} bytes in slot ${ref} as its lease has ended already`,
  );
}
