/**
 * Traced slices: they know where they were made and last used, and tell when they are forgotten.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import { Slice, type SliceHandle, type SliceKeeper } from './slice.js';

/** Lines of a stack that stand for this file and what calls it. */
const OWN_LINES =
  /(?:traced-slice|pools\/watch|pools\/buffer-pools|slices\/slice)\.js|new Trace|Trace\.use/;

/** Where a slice comes from, for reports. */
export interface SliceTrace {
  readonly created: string;
  readonly lastUsed: string;
}

/** A stack that nobody has asked for yet: to write it out costs more than to take it. */
class Trace implements SliceTrace {
  readonly #created = new Error();
  #lastUsed = this.#created;

  use(): void {
    this.#lastUsed = new Error();
  }

  get created(): string {
    return stackOf(this.#created);
  }

  get lastUsed(): string {
    return stackOf(this.#lastUsed);
  }
}

/** A slice that may have been forgotten. */
export interface LeakRecord {
  readonly ref: SlotRef;
  readonly byteLength: number;
  /** Who holds it. */
  readonly thread: ThreadId;
  /** Undefined unless the holder is the asking thread, and has kept it. */
  readonly trace: SliceTrace | undefined;
}

interface Traced extends SliceHandle {
  readonly trace: SliceTrace;
}

export class TracedSlice extends Slice {
  readonly trace = new Trace();
  readonly #watch: LeakWatch;

  constructor(from: Slice, keeper: SliceKeeper, watch: LeakWatch) {
    super(from.owner, keeper, from.ref, from.lease, from.byteLength);
    this.#watch = watch;
  }

  override get bytes(): Uint8Array<SharedArrayBuffer> {
    this.trace.use();
    return super.bytes;
  }

  /** Whoever adopts it watches it. */
  override handOver(): SliceHandle {
    const handle = super.handOver();
    this.#watch.forget(handle.ref);
    return handle;
  }

  override become(keeper: SliceKeeper, handle: SliceHandle): void {
    super.become(keeper, handle);
    this.#watch.follow(this);
  }
}

/** Notices traced slices of this thread that are garbage-collected while their lease lasts. */
export class LeakWatch {
  readonly #holds: (ref: SlotRef, lease: number) => boolean;
  readonly #report: (error: MillraceError) => void;
  readonly #known = new Map<SlotRef, Traced>();
  readonly #registry: FinalizationRegistry<Traced>;

  constructor(
    holds: (ref: SlotRef, lease: number) => boolean,
    report: (error: MillraceError) => void,
  ) {
    this.#holds = holds;
    this.#report = report;
    this.#registry = new FinalizationRegistry((traced) => this.#collected(traced));
  }

  /** A traced slice in the place of `slice`, whose lease ends by `keeper`. */
  trace(slice: Slice, keeper: SliceKeeper): Slice {
    const traced = new TracedSlice(slice, keeper, this);
    this.follow(traced);
    return traced;
  }

  /** The slice has a lease, or another one now. */
  follow(slice: TracedSlice): void {
    const { ref, lease, byteLength, trace } = slice;
    const traced = { ref, lease, byteLength, trace };
    this.#known.set(ref, traced);
    this.#registry.register(slice, traced);
  }

  /** The lease on `ref` has ended, or is another's from now on. */
  forget(ref: SlotRef): SliceTrace | undefined {
    const trace = this.traceOf(ref);
    this.#known.delete(ref);
    return trace;
  }

  traceOf(ref: SlotRef): SliceTrace | undefined {
    return this.#known.get(ref)?.trace;
  }

  #collected(traced: Traced): void {
    const { ref, lease, byteLength, trace } = traced;
    // What was released, handed over or shared is not known any more, or known by another lease.
    if (this.#known.get(ref) !== traced || !this.#holds(ref, lease)) return;
    this.#known.delete(ref);
    this.#report(
      new MillraceError(
        'ERR_SLICE_LEAKED',
        `A slice of ${byteLength} bytes in slot ${ref} was forgotten without a release${origin(trace)}`,
      ),
    );
  }
}

/** The end of a message about a slice. */
export function origin(trace: SliceTrace | undefined): string {
  return trace ? `.\nIt was leased ${trace.created}\nand last used ${trace.lastUsed}` : '';
}

function stackOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').slice(1);
  // Without the places where the watch itself is at work.
  return lines
    .filter((line) => !OWN_LINES.test(line))
    .join('\n')
    .trim();
}
