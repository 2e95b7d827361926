/**
 * A slice: what a user holds. A lease on a slot, with `bytes` onto the shared memory.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';
import { SHARED, stateOf } from './slot-word.js';

/** A slice on its way to another thread: plain numbers, to be sent in any way. */
export interface SliceHandle {
  /** The slot. */
  readonly ref: SlotRef;
  /** The slot's control word: proof that whoever comes with it comes in time. */
  readonly lease: number;
  /** Bytes of the slice. */
  readonly byteLength: number;
}

/** The pools that lent a slice. */
export interface SliceOwner {
  viewOf(ref: SlotRef, length: number): Uint8Array<SharedArrayBuffer>;
  isLive(slice: Slice): boolean;
  share(slice: Slice): void;
  resize(slice: Slice, byteLength: number): void;
  /** Tells those who wait that something was released. */
  tell(): void;
}

/** Who watches some of the leases of a thread. */
export interface SliceWatcher {
  /**
   * The turn has come to watch a lease, and this one has begun.
   *
   * @returns what watches it; `null` when its slot is spoiled: lease another
   */
  begin(ref: SlotRef, lease: number, byteLength: number): SliceWatch | null;
}

/** How a lease ends. */
export interface SliceKeeper {
  /** The pools that lent what it keeps. */
  readonly owner: SliceOwner;
  /**
   * @returns whether somebody waits, and must be told
   * @throws MillraceError `ERR_SLICE_STALE` when it had ended before
   */
  takeBack(ref: SlotRef, lease: number): boolean;
  /** Throws when the lease is not this thread's to give away. */
  checkHandOver?(): void;
}

/** What watches a slice. */
export interface SliceWatch {
  /** Its bytes are used. */
  used(): void;
  /** It is another's from now on. */
  forget(): void;
  /**
   * Ends its lease `lease`, which the slice has given up.
   *
   * @throws MillraceError as its keeper does, or `ERR_SLICE_OVERRUN`
   */
  end(slice: Slice, lease: number): void;
}

/** The lease of a slice object that holds none any more. */
const NONE = 0;

export class Slice implements SliceHandle {
  // Declared: the constructor sets them, and to define them before that takes its time.
  /** The slot, for telling another thread of the same pools where the bytes are. */
  declare ref: SlotRef;
  /** The slot's control word as it stood when the lease began; 0 once this object has given it up. */
  declare lease: number;
  /** Bytes asked for; the slot may be larger. */
  declare byteLength: number;
  #keeper: SliceKeeper;
  #bytes: Uint8Array<SharedArrayBuffer> | undefined = undefined;
  /** No keeper of another kind, as calls of a single kind can be compiled into one piece. */
  // It was a number once: what may be anything is set without a look at what it is.
  #watch: SliceWatch | undefined | 0 = 0;

  constructor(
    keeper: SliceKeeper,
    ref: SlotRef,
    lease: number,
    byteLength: number,
    watch?: SliceWatch,
  ) {
    this.#keeper = keeper;
    this.#watch = watch;
    this.ref = ref;
    this.lease = lease;
    this.byteLength = byteLength;
  }

  /**
   * The bytes, `byteLength` of them, page-aligned. Their content is whatever the last user left. A view
   * that was taken before {@link release} touches somebody else's lease after it: don't keep it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release} or {@link handOver}
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    if (this.lease === NONE) throw stale(this, 'use');
    this.watch?.used();
    return (this.#bytes ??= this.owner.viewOf(this.ref, this.byteLength));
  }

  /** Whether this lease still holds. */
  get live(): boolean {
    return this.lease !== NONE && this.owner.isLive(this);
  }

  /**
   * Ends the lease; for a shared slice, this thread's part in it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` when it has ended already, and nothing is damaged by that;
   *   `ERR_SLICE_OVERRUN` when a watched slice was written beyond its ends: it has ended nevertheless
   */
  release(): void {
    const { lease } = this;
    if (lease === NONE) throw stale(this, 'release');
    this.lease = NONE;
    this.#bytes = undefined;
    const { watch } = this;
    if (watch !== undefined) watch.end(this, lease);
    else if (this.#keeper.takeBack(this.ref, lease)) this.owner.tell();
  }

  /**
   * Gives the lease away: the thread that adopts the handle holds it from then on, and its death ends
   * it. Until then it stays this thread's, whose death ends it; to take it back, adopt it here.
   *
   * @throws MillraceError `ERR_SLICE_STALE`; `ERR_INVALID_ARG` when it is shared: others join instead
   */
  handOver(): SliceHandle {
    if (!this.live) throw stale(this, 'hand over');
    const { ref, lease, byteLength } = this;
    if (stateOf(lease) === SHARED) {
      throw new MillraceError('ERR_INVALID_ARG', 'Cannot hand over a slice that is shared');
    }
    this.#keeper.checkHandOver?.();
    // Whoever adopts it looks after it.
    this.watch?.forget();
    this.lease = NONE;
    this.#bytes = undefined;
    return { ref, lease, byteLength };
  }

  /**
   * Lets other threads join, to read: see `BufferPools.join`. The slot is free when all have released
   * it, or died. Nobody may write any more, which is not enforced.
   *
   * @returns the handle to join with, as often as wanted
   * @throws MillraceError `ERR_SLICE_STALE`
   */
  share(): SliceHandle {
    if (this.lease === NONE) throw stale(this, 'share');
    this.owner.share(this);
    const { ref, lease, byteLength } = this;
    return { ref, lease, byteLength };
  }

  /**
   * Changes the size, and keeps the content up to the smaller size. Within the slot nothing moves;
   * otherwise the bytes are copied to a larger slot, and `bytes` and `ref` are other ones after that.
   *
   * @throws MillraceError `ERR_SLICE_STALE`, `ERR_SIZE`; `ERR_POOL_EXHAUSTED`, and the slice is as it was;
   *   `ERR_INVALID_ARG` when it is shared
   */
  resize(byteLength: number): this {
    if (!this.live) throw stale(this, 'resize');
    this.owner.resize(this, byteLength);
    return this;
  }

  /** For the pools: makes this object stand for another lease, or for this one in another way. */
  become(keeper: SliceKeeper, { ref, lease, byteLength }: SliceHandle, watch?: SliceWatch): void {
    this.#keeper = keeper;
    this.#watch = watch;
    this.ref = ref;
    this.lease = lease;
    this.byteLength = byteLength;
    this.#bytes = undefined;
  }

  /** The pools that lent this slice. Its keeper knows them: the smaller a slice, the quicker it is made. */
  get owner(): SliceOwner {
    return this.#keeper.owner;
  }

  /** For the pools: how its lease ends. */
  get keeper(): SliceKeeper {
    return this.#keeper;
  }

  /** For the pools: who watches it. */
  get watch(): SliceWatch | undefined {
    return this.#watch as SliceWatch | undefined;
  }

  /** Ends the lease unless {@link release} or {@link handOver} has. */
  [Symbol.dispose](): void {
    if (this.lease !== NONE) this.release();
  }
}

function stale({ ref, byteLength }: Slice, action: string): MillraceError {
  return new MillraceError(
    'ERR_SLICE_STALE',
    `Cannot ${action} the slice of ${byteLength} bytes in slot ${ref} as it was released or handed over`,
  );
}
