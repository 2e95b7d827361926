/**
 * The leak watch: remembers where slices were made and last used, and tells when one is forgotten.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import type { Slice, SliceHandle, SliceTracer } from './slice.js';

/** Where a slice comes from, for reports. */
export interface SliceTrace {
  readonly created: string;
  readonly lastUsed: string;
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

/**
 * Stacks, written out at once: a stack that nobody has read keeps alive whatever was `this` in it, which
 * is the slice itself and all that refer to it.
 */
class Trace implements SliceTrace, SliceTracer {
  readonly #created = stackHere();
  readonly #end: () => void;
  #lastUsed = this.#created;

  constructor(end: () => void) {
    this.#end = end;
  }

  use(): void {
    this.#lastUsed = stackHere();
  }

  end(): void {
    this.#end();
  }

  get created(): string {
    return withoutOwnLines(this.#created);
  }

  get lastUsed(): string {
    return withoutOwnLines(this.#lastUsed);
  }
}

interface Traced extends SliceHandle {
  readonly trace: Trace;
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

  /** Traces a slice from now on. */
  trace(slice: Slice): void {
    const { ref } = slice;
    const trace = new Trace(() => this.forget(ref));
    slice.traceBy(trace);
    this.#follow(slice, trace);
  }

  /** A slice that may be traced has moved from `former`, or has another lease. */
  follow(slice: Slice, former: SlotRef): void {
    const known = this.#known.get(former);
    if (!known) return;
    this.#known.delete(former);
    this.#follow(slice, known.trace);
  }

  /** The lease on `ref` has ended, or is another's from now on. */
  forget(ref: SlotRef): SliceTrace | undefined {
    if (this.#known.size === 0) return undefined;
    const trace = this.traceOf(ref);
    if (trace) this.#known.delete(ref);
    return trace;
  }

  traceOf(ref: SlotRef): SliceTrace | undefined {
    return this.#known.get(ref)?.trace;
  }

  #follow(slice: Slice, trace: Trace): void {
    const { ref, lease, byteLength } = slice;
    const traced = { ref, lease, byteLength, trace };
    this.#known.set(ref, traced);
    this.#registry.register(slice, traced);
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

/** Lines of a stack that stand for the watch itself. */
const OWN_LINES =
  /(?:leak-watch|pools\/watch|pools\/buffer-pools|slices\/slice)\.js|new Trace|Trace\.use/;

function stackHere(): string {
  return new Error().stack ?? '';
}

function withoutOwnLines(stack: string): string {
  const lines = stack.split('\n').slice(1);
  return lines
    .filter((line) => !OWN_LINES.test(line))
    .join('\n')
    .trim();
}
