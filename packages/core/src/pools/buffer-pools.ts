/**
 * The pools of all size classes over one memory, as one thread sees them: `mill.buffers`.
 */
import { MillraceError } from '../errors.js';
import type { ArenaRenewal } from '../memory/arenas.js';
import { PAGE_BYTES } from '../memory/geometry.js';
import { SLAB_BYTES, TICK_MS, type SlotRef } from '../memory/layout.js';
import { classFor } from '../memory/size-classes.js';
import { SlabTable, type MemoryHandle } from '../memory/slab-table.js';
import { StripedCounters, addTo } from '../metrics/counters.js';
import { Slice, type SliceHandle, type SliceOwner } from '../slices/slice.js';
import type { LeakRecord } from '../slices/leak-watch.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
import { Lending } from './lending.js';
import type {
  AcquireOptions,
  BufferPoolsStats,
  PoolHooks,
  ShrinkOptions,
  SpareOptions,
} from './pool-options.js';
import { PoolRoom, stale } from './pool-room.js';
import type { SlotPool } from './slot-pool.js';
import { Preallocation } from './preallocation.js';
import { Seats } from './seats.js';
import { checked, fromWords, ticksOf, toWords, type BufferPoolsOptions } from './settings.js';
import { sweep } from './sweeper.js';
import { WAITING_ROOM_WORDS, WaitingRoom } from './waiting-room.js';
import { Watch } from './watch.js';

/** For the hot path: a constant of this module is compiled in, one of another is loaded each time. */
const classIn = classFor;

export class BufferPools implements SliceOwner {
  readonly thread: ThreadId;
  readonly registry: ThreadRegistry;
  readonly counters: StripedCounters;
  /** By number: see `POOL_COUNT`. */
  readonly #pools: readonly SlotPool[];
  readonly #table: SlabTable;
  readonly #room: PoolRoom;
  readonly #watch: Watch | undefined;
  readonly #hooks: PoolHooks;
  readonly #madeMs = performance.now();
  readonly #seats: Seats;
  readonly #lending: Lending;

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
    this.#room.owner = this;
    this.#pools = this.#room.pools;
    this.#seats = new Seats(this.#room);
    this.#lending = new Lending(this.#room, this.memoryBytes);
    this.#watch =
      settings.safety === 'off'
        ? undefined
        : new Watch(this.#room, table, settings.safety, hooks.onReport);
    this.#room.watcher = this.#watch;
    if (hooks.onUnknownArena) table.arenas.onUnknown = hooks.onUnknownArena;
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
   * @throws MillraceError `ERR_BAD_HANDLE` when the memory is not millrace's or not sound, or has no such thread
   */
  static attach(handle: MemoryHandle, thread: ThreadId, hooks: PoolHooks = {}): BufferPools {
    return BufferPools.over(SlabTable.attach(handle), thread, hooks);
  }

  /**
   * The pools over memory that this thread has attached, as the thread that was registered there as `thread`.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when it has no such thread
   */
  static over(table: SlabTable, thread: ThreadId, hooks: PoolHooks = {}): BufferPools {
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

  /** The most bytes that slices may take together. */
  get memoryBytes(): number {
    return this.#table.layout.slabs * SLAB_BYTES;
  }

  /** Bytes that have been made addressable, and not been dropped since. */
  get openBytes(): number {
    return this.#table.arenas.openBytes;
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
    // The hot path: short enough to be compiled into whoever calls it.
    const sizeClass = classIn(bytes);
    if (options === undefined && sizeClass >= 0) {
      const slice = this.#pools[sizeClass]!.lend(bytes);
      if (slice !== undefined) return slice;
    }
    return this.#lending.acquire(bytes, options ?? {});
  }

  /** Like {@link acquire}, but `undefined` when nothing is free now. */
  tryAcquire(bytes: number, options?: AcquireOptions): Slice | undefined {
    const sizeClass = options === undefined ? classFor(bytes) : -1;
    if (sizeClass >= 0) return this.#pools[sizeClass]!.lend(bytes);
    return this.#lending.lease(bytes, options?.priority === 'critical', options?.near);
  }

  /**
   * Leases a slice as soon as one is free. All that wait for one size class, on all threads, are served
   * in the order in which they came.
   *
   * @param options `timeoutMs` is Infinity by default
   * @throws MillraceError `ERR_SIZE`, `ERR_ABORTED`; `ERR_POOL_EXHAUSTED` when the time was up
   */
  acquireAsync(bytes: number, options: AcquireOptions = {}): Promise<Slice> {
    return this.#lending.acquireAsync(bytes, options);
  }

  /** Resolves when this thread has released something, for whoever tried in vain. */
  released(): Promise<void> {
    return this.#room.waiting.listen();
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
    if (adopted === undefined) throw stale('adopt', ref);
    const watch = this.#watch?.adopt({ ref, lease: adopted, byteLength }, lease);
    return new Slice(this.#room.keeperOf(ref), ref, adopted, byteLength, watch);
  }

  /**
   * Joins a slice that another thread shares, to read it. It is free when all have released it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when all who held it have released it already;
   *   `ERR_BAD_HANDLE` when that is no handle of this memory
   */
  join(handle: SliceHandle): Slice {
    this.#room.checkHandle(handle);
    return this.#seats.join(handle);
  }

  /** The threads that hold the shared slice `slice`. */
  holdersOf(slice: SliceHandle): ThreadId[] {
    return this.#room.sharing.holders(slice.ref);
  }

  /** The first `length` bytes of a slot that another thread leased and told of. */
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer> {
    return this.#table.viewOf(ref, length);
  }

  isLive(slice: Slice): boolean {
    return this.#room.holds(slice.ref, slice.lease);
  }

  share(slice: Slice): void {
    this.#seats.share(slice);
  }

  resize(slice: Slice, byteLength: number): void {
    this.#room.check(byteLength);
    const { ref, lease, keeper, watch } = slice;
    if (this.#room.isShared(lease)) {
      throw new MillraceError('ERR_INVALID_ARG', 'Cannot resize a slice that is shared');
    }
    if (byteLength <= this.#room.capacityOf(ref)) {
      slice.become(keeper, { ref, lease, byteLength }, watch);
      if (watch) this.#watch!.resized(slice);
      return;
    }
    const other = this.acquire(byteLength);
    other.bytes.set(slice.bytes);
    const former = { ref, lease, byteLength: slice.byteLength };
    slice.become(other.keeper, other, other.watch);
    other.become(keeper, former, watch);
    this.#watch?.moved(slice, other);
    other.release();
  }

  /**
   * Returns everything that a thread which is dead for certain held, and frees its id.
   *
   * @param owner what the thread's runtime called it when it was registered
   * @returns how many leases that ended; 0 when somebody else has swept it
   */
  sweep(thread: ThreadId, owner: number): number {
    const swept = sweep(this.#room, thread, owner);
    this.tell();
    return swept;
  }

  /**
   * Gives spare memory back: {@link flush}, {@link shrink} as `shrinkThreshold` and `maxAgeMs` say, and
   * {@link dropArenas}. To be called now and then; a `MemoryManager` takes the steps one by one, and the
   * mill has one.
   *
   * @returns how many slabs are open to any size class again, and how many arenas were dropped
   */
  trim(): { slabs: number; arenas: number } {
    this.flush();
    const { slabs } = this.shrink();
    const { arenas } = this.dropArenas();
    return { slabs, arenas };
  }

  /** Gives back what lies in this thread's magazines, so that others have it at hand. */
  flush(): void {
    for (const pool of this.#pools) pool.flush();
    this.tell();
  }

  /**
   * Opens idle slabs to any size class again; what lies in anybody's magazine is idle. Also moves the clock
   * by which ages go.
   *
   * @returns how many, and whether there are `more` to look at, as the time was up
   */
  shrink({ idleForMs = 0, maxAgeMs, forMs = Infinity, ...terms }: ShrinkOptions = {}): {
    slabs: number;
    more: boolean;
  } {
    this.#tick();
    const ages = maxAgeMs === undefined ? {} : { maxAgeTicks: ticksOf(maxAgeMs) };
    const idleTicks = idleForMs / TICK_MS;
    const untilMs = performance.now() + forMs;
    const shrunk = this.#room.growth.shrink({ ...terms, ...ages, idleTicks }, untilMs);
    // Also what was held for a moment only was out of reach of those who looked meanwhile, and wait now.
    this.tell();
    return shrunk;
  }

  /**
   * Gives the pages of arenas back of which all slabs are idle: on the thread that made the memory, and
   * where others are told of it ({@link PoolHooks.onRenewal}).
   *
   * @returns how many arenas were dropped, and whether there are `more` to look at, as the time was up
   */
  dropArenas({ idleForMs = 0, forMs = Infinity }: SpareOptions = {}): {
    arenas: number;
    more: boolean;
  } {
    const { onRenewal } = this.#hooks;
    if (!onRenewal) return { arenas: 0, more: false };
    this.#tick();
    const untilMs = performance.now() + forMs;
    const dropped = this.#room.dropIdleArenas(onRenewal, idleForMs / TICK_MS, untilMs);
    this.tell();
    return dropped;
  }

  /** To open a slab for each of the `classes` smallest size classes and touch its pages; or all, if `whole`. */
  preallocation(classes: number, whole: boolean): Preallocation {
    const pools = Array.from({ length: classes }, (_, pool) => pool);
    return new Preallocation(this.#table, this.#room.life, pools, whole);
  }

  /** Bytes of all slots that are lent now, over all threads; an estimate while they lease and release. */
  get lentBytes(): number {
    return this.#room.lentBytes;
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
    return {
      memoryBytes: this.memoryBytes,
      openBytes: this.openBytes,
      arena: plain ? { kind: 'plain', reason: plain.reason ?? '' } : { kind: 'wasm' },
      slices: this.#room.count.sums(),
    };
  }

  #tick(): void {
    this.#room.tick(performance.now() - this.#madeMs);
  }

  tell(): void {
    this.#room.waiting.call();
  }
}
