/**
 * The watch: what happens beside leasing and releasing when slices are watched, see `safety`.
 */
import { MillraceError } from '../errors.js';
import { SLOTS_PER_SLAB, TICK_MS, slotRef, type SlotRef } from '../memory/layout.js';
import type { SlabTable } from '../memory/slab-table.js';
import { Guard } from '../slices/guard.js';
import type { Slice, SliceHandle, SliceWatch, SliceWatcher } from '../slices/slice.js';
import {
  CORRUPTED,
  LIVE,
  RETURNING,
  ended,
  holderOf,
  stateOf,
  withState,
} from '../slices/slot-word.js';
import { LeakWatch, origin, type LeakRecord, type Trace } from '../slices/leak-watch.js';
import type { ThreadId } from '../threads/registry.js';
import { stale, type PoolRoom } from './pool-room.js';

/**
 * Of `sampled`: one watched slice in so many is traced, unless another was less than so long ago. Its stack
 * costs as much as a few thousand leases, and a look at the clock as much as one and a half.
 */
const TRACE_SAMPLE = 16;
const TRACE_PAUSE_MS = 50;

/** Watches the slices of one thread. It is itself what watches those that are not traced. */
export class Watch implements SliceWatch, SliceWatcher {
  readonly #room: PoolRoom;
  readonly #guard: Guard;
  readonly leaks: LeakWatch;
  readonly #report: (error: MillraceError) => void;
  readonly #traceEvery: number;
  readonly #tracePauseMs: number;
  #untraced = 0;
  #nextTraceMs = -Infinity;

  constructor(
    room: PoolRoom,
    table: SlabTable,
    level: 'sampled' | 'full',
    report: (error: MillraceError) => void = (error) => console.error(error),
  ) {
    this.#room = room;
    this.#guard = new Guard(table, level);
    this.#report = report;
    this.#traceEvery = level === 'full' ? 1 : TRACE_SAMPLE;
    this.#tracePauseMs = level === 'full' ? 0 : TRACE_PAUSE_MS;
    this.leaks = new LeakWatch((ref, lease) => room.holds(ref, lease), report);
  }

  /** Watches a lease that has just begun; `null` when its slot is spoiled: lease another. */
  begin(ref: SlotRef, lease: number, byteLength: number): SliceWatch | null {
    if (this.#guard.spoiled(ref, lease)) {
      this.#spoil(ref, lease);
      this.#report(
        new MillraceError(
          'ERR_SLICE_LATE_WRITE',
          `Slot ${ref} was written to after its slice had been released; it is lent no more`,
        ),
      );
      return null;
    }
    this.#guard.begin(ref, lease, byteLength);
    return this.#sometimesTraced(ref, lease, byteLength);
  }

  /** What watches the slice of `handle`, which this thread has adopted, if it was watched before. */
  adopt({ ref, lease, byteLength }: SliceHandle, formerLease: number): SliceWatch | undefined {
    if (this.#guard.watched(ref, formerLease) < 0) return undefined;
    this.#guard.follow(ref, lease);
    return this.#sometimesTraced(ref, lease, byteLength);
  }

  /** Of a slice that is not traced. */
  used(): void {
    // Nobody wants to know.
  }

  /** Of a slice that is not traced. */
  forget(): void {
    // Nothing is known of it.
  }

  /**
   * Ends a watched lease.
   *
   * @throws MillraceError `ERR_SLICE_OVERRUN`, and the lease has ended; `ERR_SLICE_STALE`
   */
  end(slice: Slice, lease: number, trace?: Trace): void {
    const { ref } = slice;
    const returning = withState(lease, RETURNING, this.#room.thread);
    if (!this.#room.change(ref, lease, returning)) throw stale('release', ref);
    if (trace) this.leaks.forget(trace);
    if (this.#guard.end(ref)) {
      if (slice.keeper.takeBack(ref, returning)) slice.owner.tell();
      return;
    }
    this.#spoil(ref, returning);
    throw new MillraceError(
      'ERR_SLICE_OVERRUN',
      `Somebody wrote beyond the ends of the slice of ${slice.byteLength} bytes in slot ${ref}; the slot is lent no more${origin(trace)}`,
    );
  }

  /** A watched slice has another size now, in the same slot. */
  resized(slice: Slice): void {
    this.#guard.resize(slice.ref, slice.byteLength);
    if (slice.watch instanceof TracedWatch) this.leaks.follow(slice.watch.trace, slice);
  }

  /** `slice` has changed places with `other`, as it was to be larger: what is known of it goes along. */
  moved(slice: Slice, other: Slice): void {
    const { watch } = other;
    if (!watch) return;
    if (!slice.watch) this.#guard.begin(slice.ref, slice.lease, slice.byteLength);
    if (watch instanceof TracedWatch) {
      slice.watch?.forget();
      this.leaks.follow(watch.trace, slice);
      other.become(other.keeper, other, this);
    }
    slice.become(slice.keeper, slice, watch instanceof TracedWatch ? watch : (slice.watch ?? this));
  }

  /** Watched leases of all threads that have lasted for `ms` or longer. */
  olderThan(ms: number): LeakRecord[] {
    const { layout } = this.#room;
    const records: LeakRecord[] = [];
    for (let slab = 0; slab < layout.slabs; slab++) {
      for (let slot = 0; slot < SLOTS_PER_SLAB; slot++) {
        const ref = slotRef(slab, slot);
        if (this.#room.capacityOf(ref) === 0) break;
        const word = this.#room.wordOf(ref);
        const byteLength = this.#guard.watched(ref, word);
        if (stateOf(word) !== LIVE || byteLength < 0) continue;
        if (this.#guard.ageOf(ref) * TICK_MS < ms) continue;
        const thread = holderOf(word) as ThreadId;
        records.push({ ref, byteLength, thread, trace: this.leaks.traceOf(ref) });
      }
    }
    return records;
  }

  #sometimesTraced(ref: SlotRef, lease: number, byteLength: number): SliceWatch {
    if (--this.#untraced >= 0) return this;
    this.#untraced = this.#traceEvery - 1;
    const nowMs = performance.now();
    if (nowMs < this.#nextTraceMs) return this;
    this.#nextTraceMs = nowMs + this.#tracePauseMs;
    return new TracedWatch(this, { ref, lease, byteLength });
  }

  #spoil(ref: SlotRef, word: number): void {
    this.#room.change(ref, word, ended(word, CORRUPTED, 0));
  }
}

/** The watch of one slice that is traced, and that alone refers to it. */
class TracedWatch implements SliceWatch {
  readonly trace: Trace;
  readonly #watch: Watch;

  constructor(watch: Watch, handle: SliceHandle) {
    this.#watch = watch;
    this.trace = watch.leaks.trace(this, handle);
  }

  used(): void {
    this.trace.use();
  }

  forget(): void {
    this.#watch.leaks.forget(this.trace);
  }

  end(slice: Slice, lease: number): void {
    this.#watch.end(slice, lease, this.trace);
  }
}
