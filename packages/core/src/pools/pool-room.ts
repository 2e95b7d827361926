/**
 * The pool room: the structures over one memory, put together as one thread uses them. `BufferPools` is
 * its face.
 */
import { MillraceError } from '../errors.js';
import type { ArenaRenewal } from '../memory/arenas.js';
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
import { FreeList } from '../slices/free-list.js';
import { LeaseCount } from '../slices/lease-count.js';
import { Sharing } from '../slices/sharing.js';
import { SlabLife } from '../slices/slab-life.js';
import { SlabRuns } from '../slices/slab-runs.js';
import type { SliceHandle } from '../slices/slice.js';
import { CLOSING, LIVE, SHARED, ended, sameLease, stateOf } from '../slices/slot-word.js';
import { ThreadRegistry, type ThreadId } from '../threads/registry.js';
import { Growth } from './growth.js';
import type { PoolSettings } from './settings.js';
import { SizedBufferPool } from './sized-pool.js';
import type { Sweepable } from './sweeper.js';
import { WaitingRoom } from './waiting-room.js';

export class PoolRoom implements Sweepable {
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
  readonly pools: readonly SizedBufferPool[];
  /** From here on, slabs are the reserve. */
  readonly normalSlabs: number;
  readonly #table: SlabTable;

  constructor(table: SlabTable, thread: ThreadId, settings: PoolSettings) {
    const { words, layout, geometry } = table;
    const ensure = (slab: number): void => table.arenas.ensure(slab);
    this.words = words;
    this.layout = layout;
    this.thread = thread;
    this.#table = table;
    this.registry = new ThreadRegistry(words, layout);
    this.count = new LeaseCount(words, layout, thread);
    this.normalSlabs = layout.slabs - settings.reserveSlabs;
    const lists = Array.from({ length: POOL_COUNT }, (_, pool) => {
      const slotsPerSlab = geometry.slots[classOfPool(pool)]!;
      const [from, to] =
        pool < CLASS_COUNT ? [0, this.normalSlabs] : [this.normalSlabs, layout.slabs];
      return new FreeList(words, layout, thread, { pool, slotsPerSlab, from, to });
    });
    this.life = new SlabLife(words, layout, thread, lists, ensure);
    this.growth = new Growth(words, layout, this.life, lists, settings);
    this.runs = new SlabRuns(words, layout, thread, this.count, ensure);
    this.sharing = new Sharing(words, layout, thread, this.count, (ref, word) =>
      this.end(ref, word),
    );
    this.waiting = new WaitingRoom(words, layout, thread);
    this.pools = lists.map((list, pool) => new SizedBufferPool(this, list, pool));
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
    // Of a lease that has ended the slab may have changed its class: whoever comes with it is told so.
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

  /** Leases a run of slabs for `bytes`, which no size class holds. */
  acquireRun(bytes: number, critical: boolean): SlotRef | undefined {
    this.check(bytes);
    const length = this.#table.geometry.slabsFor(bytes);
    const to = critical ? this.layout.slabs : this.normalSlabs;
    const ref = this.runs.acquire(length, to);
    if (ref !== undefined) return ref;
    for (let slab = 0; slab < to; slab++) this.life.retire(slab);
    const late = this.runs.acquire(length, to);
    // What was claimed in vain was out of reach of those who looked meanwhile, and wait now. In the line
    // of runs that is the caller itself, or those whom it tells.
    if (late === undefined) this.waiting.call(CLASS_COUNT - 1);
    return late;
  }

  /** Ends the lease `lease` on the run of `ref` and counts that; false when it had ended before. */
  releaseRun(ref: SlotRef, lease: number): boolean {
    this.count.returning(ref, lease);
    if (!this.end(ref, lease)) {
      this.count.notReturned();
      return false;
    }
    this.count.returned();
    return true;
  }

  /** Makes the slot FREE, and its slabs EMPTY if it is a run; false when its word is not `word` any more. */
  end(ref: SlotRef, word: number): boolean {
    return this.runs.isRun(ref) ? this.runs.free(ref, word) : this.pools[0]!.list.give(ref, word);
  }

  /** Makes this thread the holder; `undefined` when the lease has ended. */
  adopt(ref: SlotRef, lease: number): number | undefined {
    if (stateOf(lease) !== LIVE) return undefined;
    const adopted = ended(lease, LIVE, this.thread);
    return this.pools[0]!.change(ref, lease, adopted) ? adopted : undefined;
  }

  isShared(lease: number): boolean {
    return stateOf(lease) === SHARED;
  }

  holds(ref: SlotRef, lease: number): boolean {
    const word = Atomics.load(this.words, this.pools[0]!.list.wordAt(ref));
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

  /** Renews the arenas of which all slabs are EMPTY and some were used. */
  dropIdleArenas(tell: (renewal: ArenaRenewal) => void): number {
    const { slabsPerArena } = this.layout;
    let dropped = 0;
    this.#table.arenas.all.forEach((arena, index) => {
      if (arena.byteLength === 0) return;
      const first = index * slabsPerArena;
      const end = Math.min(first + slabsPerArena, this.layout.slabs);
      let slab = first;
      while (slab < end && this.life.reserve(slab)) slab++;
      if (slab === end) {
        this.#table.arenas.renew(index, tell);
        this.#table.dropViews(index);
        dropped++;
      }
      while (slab > first) this.life.release(--slab);
    });
    return dropped;
  }
}
