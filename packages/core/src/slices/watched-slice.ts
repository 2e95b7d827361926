/**
 * Watched slices: they know where they were made and last used, and tell when they are forgotten.
 */
import { MillraceError } from '../errors.js';
import { Slice, type SliceHandle, type SliceOwner } from './slice.js';
import type { SlotRef } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';

/** Where a slice comes from, for reports. */
export interface SliceTrace {
  readonly created: string;
  lastUsed: string;
}

export class WatchedSlice extends Slice {
  readonly trace: SliceTrace;
  readonly #watch: LeakWatch;

  constructor(
    owner: SliceOwner,
    ref: SlotRef,
    lease: number,
    byteLength: number,
    trace: SliceTrace,
    watch: LeakWatch,
  ) {
    super(owner, ref, lease, byteLength);
    this.trace = trace;
    this.#watch = watch;
  }

  override get bytes(): Uint8Array<SharedArrayBuffer> {
    this.trace.lastUsed = stackHere();
    return super.bytes;
  }

  /** Who adopts it watches it. */
  override handOver(): SliceHandle {
    const handle = super.handOver();
    this.#watch.forget(this);
    return handle;
  }

  override resize(byteLength: number): this {
    super.resize(byteLength);
    this.#watch.follow(this);
    return this;
  }
}

/** A slice that was forgotten: garbage-collected, or held for long. */
export interface LeakRecord {
  readonly ref: SlotRef;
  readonly byteLength: number;
  /** Who holds it. */
  readonly thread: ThreadId;
  /** Undefined unless the holder is the asking thread. */
  readonly trace: SliceTrace | undefined;
}

interface Watched {
  ref: SlotRef;
  lease: number;
  readonly byteLength: number;
  readonly trace: SliceTrace;
}

/** Notices watched slices of this thread that are garbage-collected while their lease lasts. */
export class LeakWatch {
  readonly #holds: (ref: SlotRef, lease: number) => boolean;
  readonly #report: (error: MillraceError) => void;
  readonly #known = new Map<SlotRef, Watched>();
  readonly #registry: FinalizationRegistry<Watched>;

  constructor(
    holds: (ref: SlotRef, lease: number) => boolean,
    report: (error: MillraceError) => void,
  ) {
    this.#holds = holds;
    this.#report = report;
    this.#registry = new FinalizationRegistry((watched) => this.#collected(watched));
  }

  make(owner: SliceOwner, ref: SlotRef, lease: number, byteLength: number): WatchedSlice {
    const created = stackHere();
    const trace = { created, lastUsed: created };
    const slice = new WatchedSlice(owner, ref, lease, byteLength, trace, this);
    const watched = { ref, lease, byteLength, trace };
    this.#known.set(ref, watched);
    this.#registry.register(slice, watched, slice);
    return slice;
  }

  /** The slice's lease has ended, or is another's from now on. */
  forget(slice: Slice): void {
    this.#known.delete(slice.ref);
    this.#registry.unregister(slice);
  }

  /** The slice has another lease now, see `Slice.resize`. */
  follow(slice: WatchedSlice): void {
    this.#registry.unregister(slice);
    const { ref, lease, byteLength, trace } = slice;
    const watched = { ref, lease, byteLength, trace };
    this.#known.set(ref, watched);
    this.#registry.register(slice, watched, slice);
  }

  traceOf(ref: SlotRef): SliceTrace | undefined {
    return this.#known.get(ref)?.trace;
  }

  #collected({ ref, lease, byteLength, trace }: Watched): void {
    if (!this.#holds(ref, lease)) return;
    this.#known.delete(ref);
    this.#report(
      new MillraceError(
        'ERR_SLICE_LEAKED',
        `A slice of ${byteLength} bytes in slot ${ref} was forgotten without a release.\n` +
          `It was leased ${trace.created}\nand last used ${trace.lastUsed}`,
      ),
    );
  }
}

function stackHere(): string {
  const stack = new Error().stack ?? '';
  // Without the message, this function, and whoever called it.
  return stack.split('\n').slice(3).join('\n').trim();
}
