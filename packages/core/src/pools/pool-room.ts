/**
 * The pool room: the structures over one memory, put together as one thread uses them. `BufferPools` is
 * its face.
 */
import { MillraceError } from '../errors.js';
import type { Arena } from '../memory/arena.js';
import type { ArenaRenewal } from '../memory/arenas.js';
import { callCollector } from '../memory/collector.js';
import {
  ATTENTION,
  SLOTS_PER_SLAB,
  TICK,
  TICK_MS,
  slabOf,
  slotOf,
  type ControlLayout,
  type SlotRef,
} from '../memory/layout.js';
import {
  LARGEST_CLASS_BYTES,
  POOL_COUNT,
  CLASS_COUNT,
  classOfPool,
} from '../memory/size-classes.js';
import type { SlabTable } from '../memory/slab-table.js';
import { EMPTY, RUN, slabPoolOf, slabStateOf } from '../memory/slab-word.js';
import { FreeList, type SlabRange } from '../slices/free-list.js';
import { LeaseCount } from '../slices/lease-count.js';
import { Sharing } from '../slices/sharing.js';
import { SlabLife, fold } from '../slices/slab-life.js';
import { SlabRuns } from '../slices/slab-runs.js';
import type { SliceHandle, SliceKeeper, SliceOwner, SliceWatcher } from '../slices/slice.js';
import { CLOSING, LIVE, SHARED, ended, sameLease, stateOf } from '../slices/slot-word.js';
import type { SyncOptions } from '../sync/waiter.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
import { Growth } from './growth.js';
import { IdleSince } from './idle-since.js';
import { lentBytes } from './occupancy.js';
import { watchEvery, type PoolSettings } from './settings.js';
import { SlotPool } from './slot-pool.js';
import type { Sweepable } from './sweeper.js';
import { WaitingRoom } from './waiting-room.js';

/** The stamp of an arena of which no slab was ever opened. */
const UNUSED = 0;

export class PoolRoom implements Sweepable, SliceKeeper {
  readonly words: Int32Array;
  readonly layout: ControlLayout;
  readonly thread: ThreadId;
  readonly registry: ThreadRegistry;
  readonly count: LeaseCount;
  readonly growth: Growth;
  readonly life: SlabLife;
  readonly runs: SlabRuns;
  readonly sharing: Sharing;
  readonly waiting: WaitingRoom;
  /** By number: see `POOL_COUNT`. */
  readonly pools: readonly SlotPool[];
  /** Whoever lends what is here: the face, to be set before anything is lent. */
  declare owner: SliceOwner;
  /** Watches leases, if anybody does: to be set at the same time. */
  watcher: SliceWatcher | undefined;
  /** From here on, slabs are the reserve. */
  readonly normalSlabs: number;
  readonly #table: SlabTable;
  readonly #slotsByPool: readonly number[];
  readonly #idleArenas = new IdleSince();
  /** What the stamps of arenas were when they were renewed. */
  readonly #renewedAs: (number | undefined)[] = [];
  /** Arenas below this one have yet to be looked at by the drop that is under way; 0: none is. */
  #unseenArenas = 0;
  /** Whether arenas have been dropped by it, for which the collector has yet to be called. */
  #uncollected = false;

  constructor(
    table: SlabTable,
    thread: ThreadId,
    settings: PoolSettings,
    options: SyncOptions = {},
  ) {
    const { words, layout, geometry } = table;
    const ensure = (slab: number): void => table.arenas.ensure(slab);
    this.words = words;
    this.layout = layout;
    this.thread = thread;
    this.#table = table;
    this.registry = new ThreadRegistry(words, layout);
    this.waiting = new WaitingRoom(words, layout, thread, options);
    const call = (): void => this.waiting.call();
    this.normalSlabs = layout.slabs - settings.reserveSlabs;
    const slots = Array.from({ length: POOL_COUNT }, (_, p) => geometry.slots[classOfPool(p)]!);
    this.#slotsByPool = slots;
    this.count = new LeaseCount(words, layout, thread, slots, watchEvery(settings.safety));
    const lists = slots.map((slotsPerSlab, pool) => {
      const [from, to] =
        pool < CLASS_COUNT ? [0, this.normalSlabs] : [this.normalSlabs, layout.slabs];
      return new FreeList(words, layout, thread, { pool, slotsPerSlab, from, to }, call);
    });
    this.life = new SlabLife(words, layout, thread, lists, ensure, call);
    this.growth = new Growth(words, layout, this.life, lists, settings);
    this.runs = new SlabRuns(words, layout, thread, this.count, ensure, call);
    this.sharing = new Sharing(words, layout, thread, (ref, word) => this.end(ref, word));
    this.pools = lists.map((list, pool) => new SlotPool(this, list, pool));
  }

  /** The most bytes that one slice can have. */
  get largest(): number {
    const { geometry } = this.#table;
    const slabs = Math.min(this.layout.slabsPerArena, this.normalSlabs);
    return Math.max(LARGEST_CLASS_BYTES, geometry.bytesOf(slabs));
  }

  /** @throws MillraceError `ERR_SIZE` unless a slice can have `bytes` bytes */
  check(bytes: number): void {
    if (Number.isInteger(bytes) && bytes > 0 && bytes <= this.largest) return;
    throw new MillraceError(
      'ERR_SIZE',
      `Cannot lease a slice of ${String(bytes)} bytes as the size must be an integer from 1 to ${this.largest}`,
    );
  }

  /** @throws MillraceError `ERR_BAD_HANDLE` unless `handle` may be of this memory */
  checkHandle(handle: SliceHandle): void {
    const { ref, lease, byteLength } = handle ?? {};
    const fits =
      Number.isInteger(ref) &&
      Number.isInteger(lease) &&
      Number.isInteger(byteLength) &&
      ref >= 0 &&
      ref < this.layout.slabs * SLOTS_PER_SLAB;
    // Of a lease that has ended the slab may serve others by now: whoever comes with it is told that.
    if (fits && byteLength > 0 && !(this.holds(ref, lease) && byteLength > this.capacityOf(ref))) {
      return;
    }
    throw new MillraceError(
      'ERR_BAD_HANDLE',
      'Cannot use a slice handle that is not of this memory',
    );
  }

  /** Bytes of the slot `ref`; 0 when its slab serves nothing. */
  capacityOf(ref: SlotRef): number {
    const word = this.life.wordOf(slabOf(ref));
    if (slabStateOf(word) === RUN) return this.#table.geometry.bytesOf(this.runs.lengthOf(ref));
    const pool = slabStateOf(word) === EMPTY ? undefined : this.pools[slabPoolOf(word)];
    return pool && slotOf(ref) < pool.list.slotsPerSlab ? pool.slotBytes : 0;
  }

  /** Leases a run of slabs for `bytes`, which no size class holds; `within` some slabs, if need be. */
  acquireRun(bytes: number, critical: boolean, within?: SlabRange): SlotRef | undefined {
    this.check(bytes);
    const length = this.#table.geometry.slabsFor(bytes);
    const from = within?.from ?? 0;
    const to = Math.min(within?.to ?? Infinity, critical ? this.layout.slabs : this.normalSlabs);
    const ref = this.runs.acquire(length, to, from);
    return ref ?? this.#acquireIdleRun(length, to, from);
  }

  /** Leases a run of slabs that serve size classes and are idle, where so many are neighbours. */
  #acquireIdleRun(length: number, to: number, from: number): SlotRef | undefined {
    let idle = 0;
    for (let slab = from; slab < to; slab++) {
      // A run lies in one arena.
      if (slab % this.layout.slabsPerArena === 0) idle = 0;
      idle = this.life.isIdle(slab) ? idle + 1 : 0;
      if (idle < length) continue;
      const first = slab + 1 - length;
      for (let member = first; member <= slab; member++) this.life.retire(member);
      const ref = this.runs.acquire(length, slab + 1, first);
      if (ref !== undefined) return ref;
    }
    return undefined;
  }

  /** The slabs of the arena in which `ref` lies. */
  arenaOf(ref: SlotRef): SlabRange {
    return this.#slabsOf(Math.floor(slabOf(ref) / this.layout.slabsPerArena));
  }

  /** Ends the lease `lease` on the run of `ref`. */
  takeBack(ref: SlotRef, lease: number): boolean {
    if (!this.end(ref, lease)) throw stale('release', ref);
    return this.attended;
  }

  /** How a lease on `ref` ends. */
  keeperOf(ref: SlotRef): SliceKeeper {
    return this.pools[slabPoolOf(this.life.wordOf(slabOf(ref)))] ?? this;
  }

  /** Makes the slot FREE, and its slabs EMPTY if it is a run; false when its word is not `word` any more. */
  end(ref: SlotRef, word: number): boolean {
    return this.runs.isRun(ref) ? this.runs.free(ref, word) : this.pools[0]!.list.give(ref, word);
  }

  /** Makes this thread the holder; `undefined` when the lease has ended. */
  adopt(ref: SlotRef, lease: number): number | undefined {
    if (stateOf(lease) !== LIVE) return undefined;
    const adopted = ended(lease, LIVE, this.thread);
    return this.change(ref, lease, adopted) ? adopted : undefined;
  }

  /** The control word of `ref`. */
  wordOf(ref: SlotRef): number {
    return Atomics.load(this.words, this.pools[0]!.list.wordAt(ref));
  }

  /** Changes the word of `ref` from `from` to `to`; false when it is another by now. */
  change(ref: SlotRef, from: number, to: number): boolean {
    return this.pools[0]!.change(ref, from, to);
  }

  isShared(lease: number): boolean {
    return stateOf(lease) === SHARED;
  }

  holds(ref: SlotRef, lease: number): boolean {
    const word = this.wordOf(ref);
    if (word === lease) return true;
    return this.isShared(lease) && stateOf(word) === CLOSING && sameLease(word, lease);
  }

  /** Whether somebody waits for memory. */
  get attended(): boolean {
    return Atomics.load(this.words, ATTENTION) !== 0;
  }

  /** Moves the clock by which ages go to `sinceMs` since the memory was made; never back. */
  tick(sinceMs: number): void {
    const tick = Math.floor(sinceMs / TICK_MS);
    if (tick > Atomics.load(this.words, TICK)) Atomics.store(this.words, TICK, tick);
  }

  /** Bytes of the slots that are lent, more or less: others lease and release meanwhile. */
  get lentBytes(): number {
    return lentBytes(this.words, this.layout, this.#slotsByPool);
  }

  /**
   * Renews the arenas of which all slabs are EMPTY and some were used.
   *
   * @param idleTicks those stay of which a slab was in use later than so many ticks ago
   * @param untilMs when it has to stop, by `performance.now()`: the next call goes on from there
   * @returns how many, and whether some arenas have yet to be looked at
   */
  dropIdleArenas(
    tell: (renewal: ArenaRenewal) => void,
    idleTicks = 0,
    untilMs = Infinity,
  ): { arenas: number; more: boolean } {
    const { all } = this.#table.arenas;
    let index = untilMs < Infinity && this.#unseenArenas > 0 ? this.#unseenArenas : all.length;
    let arenas = 0;
    let late = false;
    while (index > 0 && !late) {
      if (!this.#wasUsed(all[--index]!, index)) continue;
      if (this.#dropIdle(index, tell, idleTicks)) arenas++;
      late = performance.now() > untilMs;
    }
    this.#unseenArenas = index;
    this.#uncollected ||= arenas > 0;
    if (this.#uncollected && index === 0) {
      this.#uncollected = false;
      callCollector();
    }
    return { arenas, more: index > 0 };
  }

  #dropIdle(arena: number, tell: (renewal: ArenaRenewal) => void, idleTicks: number): boolean {
    const { from, to } = this.#slabsOf(arena);
    if (idleTicks > 0 && this.#idleFor(arena) < idleTicks) return false;
    let slab = from;
    while (slab < to && this.life.reserve(slab)) slab++;
    const dropped = slab === to && this.#renew(arena, tell);
    while (slab > from) this.life.release(--slab);
    if (dropped) this.#renewedAs[arena] = this.#stampOf(arena);
    return dropped;
  }

  /** False when there is no address space for a fresh arena: the old one stays. */
  #renew(arena: number, tell: (renewal: ArenaRenewal) => void): boolean {
    try {
      this.#table.arenas.renew(arena, tell);
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_ARENA_UNAVAILABLE') return false;
      throw error;
    }
    this.#table.dropViews(arena);
    return true;
  }

  /** Whether the arena has been used since it was new. That does not ask the arena, see `Arena`. */
  #wasUsed(arena: Arena, index: number): boolean {
    return arena.knownBytes > 0 || this.#stampOf(index) !== (this.#renewedAs[index] ?? UNUSED);
  }

  /** For how many ticks no slab of the arena has been in use, as far as this thread has looked. */
  #idleFor(arena: number): number {
    const tick = Atomics.load(this.words, TICK);
    return this.#idleArenas.look(arena, this.#stampOf(arena), tick);
  }

  /** A number that changes when a slab of the arena is opened; `undefined` while one is in use. */
  #stampOf(arena: number): number | undefined {
    const { from, to } = this.#slabsOf(arena);
    let stamp = UNUSED;
    for (let slab = from; slab < to; slab++) {
      const word = this.life.wordOf(slab);
      if (slabStateOf(word) !== EMPTY) return undefined;
      if (word !== 0) stamp = fold(fold(stamp, slab), word);
    }
    return stamp;
  }

  #slabsOf(arena: number): SlabRange {
    const { slabsPerArena } = this.layout;
    const from = arena * slabsPerArena;
    return { from, to: Math.min(from + slabsPerArena, this.layout.slabs) };
  }
}

/** For whoever comes with a handle whose lease has ended. */
export function stale(action: string, ref: SlotRef): MillraceError {
  return new MillraceError(
    'ERR_SLICE_STALE',
    `Cannot ${action} the slice in slot ${ref} as its lease has ended already`,
  );
}
