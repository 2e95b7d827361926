/**
 * The pools of all size classes over one memory, as one thread sees them: `mill.buffers`.
 */
import { MillraceError } from '../errors.js';
import type { ArenaRenewal } from '../memory/arenas.js';
import { PAGE_BYTES } from '../memory/geometry.js';
import { SLAB_BYTES, TICK_MS, type SlotRef } from '../memory/layout.js';
import { CLASS_COUNT, LARGEST_CLASS_BYTES, classFor, classOf } from '../memory/size-classes.js';
import { SlabTable, type MemoryHandle } from '../memory/slab-table.js';
import { StripedCounters, addTo } from '../metrics/counters.js';
import { Slice, type SliceHandle, type SliceOwner } from '../slices/slice.js';
import type { SlabRange } from '../slices/free-list.js';
import type { LeakRecord } from '../slices/leak-watch.js';
import type { WaitLimits } from '../sync/patience.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
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

/** What is spared, and how long to look for what is not. */
export interface SpareOptions {
  /** What was in use later than so long ago stays, as far as this thread has looked. @defaultValue 0 */
  readonly idleForMs?: number;
  /** How long it may take, about: the next call that is limited goes on from there. @defaultValue Infinity */
  readonly forMs?: number;
}

/** How far {@link BufferPools.shrink} goes. */
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
    this.#watch =
      settings.safety === 'off'
        ? undefined
        : new Watch(this.#room, table, settings.safety, hooks.onReport);
    this.#room.watcher = this.#watch;
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
   * @throws MillraceError `ERR_BAD_HANDLE` when the memory is not millrace's or not sound, or has no such thread
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
    return this.#acquireAnyhow(bytes, options ?? {});
  }

  /** Like {@link acquire}, but `undefined` when nothing is free now. */
  tryAcquire(bytes: number, options?: AcquireOptions): Slice | undefined {
    const sizeClass = options === undefined ? classFor(bytes) : -1;
    if (sizeClass >= 0) return this.#pools[sizeClass]!.lend(bytes);
    return this.#lease(bytes, options?.priority === 'critical', options?.near);
  }

  /**
   * Leases a slice as soon as one is free. All that wait for one size class, on all threads, are served
   * in the order in which they came.
   *
   * @param options `timeoutMs` is Infinity by default
   * @throws MillraceError `ERR_SIZE`, `ERR_ABORTED`; `ERR_POOL_EXHAUSTED` when the time was up
   */
  async acquireAsync(bytes: number, options: AcquireOptions = {}): Promise<Slice> {
    const line = lineOf(bytes);
    const attempt = (): Slice | undefined => this.tryAcquire(bytes, options);
    const first = this.#room.waiting.busy(line) ? undefined : attempt();
    if (first) return first;
    this.#room.check(bytes);
    try {
      return await this.#room.waiting.waitAsync(line, attempt, options);
    } catch (error) {
      throw this.#inTime(error, bytes, options.timeoutMs);
    }
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

  #acquireAnyhow(bytes: number, options: AcquireOptions): Slice {
    return this.tryAcquire(bytes, options) ?? this.#waitFor(bytes, options);
  }

  #waitFor(bytes: number, options: AcquireOptions): Slice {
    const { timeoutMs = 0 } = options;
    if (timeoutMs === 0) throw this.#exhausted(bytes, 0);
    const attempt = (): Slice | undefined => this.tryAcquire(bytes, options);
    try {
      return this.#room.waiting.wait(lineOf(bytes), attempt, { ...options, timeoutMs });
    } catch (error) {
      throw this.#inTime(error, bytes, timeoutMs);
    }
  }

  #lease(bytes: number, critical: boolean, near?: SliceHandle): Slice | undefined {
    const slice =
      bytes > LARGEST_CLASS_BYTES
        ? this.#leaseRun(bytes, critical)
        : this.#leaseSlot(bytes, critical);
    return slice && near ? this.#nearer(slice, near) : slice;
  }

  #leaseSlot(bytes: number, critical: boolean): Slice | undefined {
    const sizeClass = classOf(bytes);
    const slice = this.#pools[sizeClass]!.lend(bytes);
    if (slice !== undefined || !critical) return slice;
    return this.#pools[sizeClass + CLASS_COUNT]!.lend(bytes);
  }

  #leaseRun(
    bytes: number,
    critical: boolean,
    watched = false,
    within?: SlabRange,
  ): Slice | undefined {
    for (;;) {
      const ref = this.#room.acquireRun(bytes, critical, within);
      if (ref === undefined) return undefined;
      const { count, runs } = this.#room;
      const { lease } = runs;
      const watch = watched || count.due ? this.#watch?.begin(ref, lease, bytes) : undefined;
      if (watch !== null) return new Slice(this.#room, ref, lease, bytes, watch);
    }
  }

  /** A slice of the same size in the arena of `near`, or else `slice` itself. */
  #nearer(slice: Slice, near: SliceHandle): Slice {
    const { byteLength } = slice;
    const watched = slice.watch !== undefined;
    const arena = this.#room.arenaOf(near.ref);
    if (this.#room.arenaOf(slice.ref).from === arena.from) return slice;
    const nearer =
      byteLength > LARGEST_CLASS_BYTES
        ? this.#leaseRun(byteLength, false, watched, arena)
        : this.#pools[classOf(byteLength)]!.lendWithin(arena, byteLength, watched);
    if (!nearer) return slice;
    slice.release();
    return nearer;
  }

  #tick(): void {
    this.#room.tick(performance.now() - this.#madeMs);
  }

  tell(): void {
    this.#room.waiting.call();
  }

  #inTime(error: unknown, bytes: number, timeoutMs: number | undefined): unknown {
    const late = error instanceof MillraceError && error.code === 'ERR_TIMEOUT';
    return late ? this.#exhausted(bytes, timeoutMs ?? 0) : error;
  }

  #exhausted(bytes: number, afterMs: number): MillraceError {
    const within = afterMs > 0 ? ` within ${afterMs} ms` : '';
    return new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot lease ${bytes} bytes${within} as no slot for them is free and all ${this.memoryBytes} bytes are in use; raise "memory" or release slices sooner`,
    );
  }
}

/** The line in which a slice of `bytes` bytes is waited for. */
function lineOf(bytes: number): number {
  return bytes <= LARGEST_CLASS_BYTES ? classOf(bytes) : CLASS_COUNT - 1;
}
