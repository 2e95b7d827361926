/**
 * The leak watch: remembers where slices were made and last used, and tells when one is forgotten.
 */
import { MillraceError } from '../errors.js';
import type { SlotRef } from '../memory/layout.js';
import type { ThreadId } from '../threads/registry.js';
import type { SliceHandle } from './slice.js';

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
 * What is known of a traced slice. Stacks are written out at once: a stack that nobody has read keeps
 * alive whatever was `this` in it, which is the slice itself and all that refer to it.
 */
export class Trace implements SliceTrace, SliceHandle {
  ref: SlotRef;
  lease: number;
  byteLength: number;
  readonly #created = stackHere();
  #lastUsed = this.#created;

  constructor({ ref, lease, byteLength }: SliceHandle) {
    this.ref = ref;
    this.lease = lease;
    this.byteLength = byteLength;
  }

  use(): void {
    this.#lastUsed = stackHere();
  }

  get created(): string {
    return withoutOwnLines(this.#created);
  }

  get lastUsed(): string {
    return withoutOwnLines(this.#lastUsed);
  }
}

/** Notices traced slices of this thread that are garbage-collected while their lease lasts. */
export class LeakWatch {
  readonly #holds: (ref: SlotRef, lease: number) => boolean;
  readonly #report: (error: MillraceError) => void;
  readonly #known = new Map<SlotRef, Trace>();
  readonly #registry: FinalizationRegistry<Trace>;

  constructor(
    holds: (ref: SlotRef, lease: number) => boolean,
    report: (error: MillraceError) => void,
  ) {
    this.#holds = holds;
    this.#report = report;
    this.#registry = new FinalizationRegistry((trace) => this.#collected(trace));
  }

  /**
   * Traces a slice from now on.
   *
   * @param own what the slice refers to, and nobody else: it is collected when the slice is
   */
  trace(own: object, handle: SliceHandle): Trace {
    const trace = new Trace(handle);
    this.#known.set(trace.ref, trace);
    this.#registry.register(own, trace);
    return trace;
  }

  /** A traced slice is another one now. */
  follow(trace: Trace, { ref, lease, byteLength }: SliceHandle): void {
    this.forget(trace);
    trace.ref = ref;
    trace.lease = lease;
    trace.byteLength = byteLength;
    this.#known.set(ref, trace);
  }

  /** The lease of a traced slice has ended, or is another's from now on. */
  forget(trace: Trace): void {
    if (this.#known.get(trace.ref) === trace) this.#known.delete(trace.ref);
  }

  traceOf(ref: SlotRef): Trace | undefined {
    return this.#known.get(ref);
  }

  #collected(trace: Trace): void {
    const { ref, lease, byteLength } = trace;
    // What was released, handed over or shared is not known any more, or known by another lease.
    if (this.#known.get(ref) !== trace || !this.#holds(ref, lease)) return;
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

/** V8 cuts stacks off; others do not have the limit. */
const engine = Error as ErrorConstructor & { stackTraceLimit: number };

/** Lines of a stack that stand for the watch itself. */
const OWN_LINES =
  /(?:leak-watch|pools\/(?:watch|slot-pool|buffer-pools)|slices\/slice)\.js|new Trace|Trace\.use/;

/** At most so many of its lines are our own. */
const MOST_OWN_LINES = 12;

/** The stack, with as many lines of the caller's as it has set. */
function stackHere(): string {
  const limit = engine.stackTraceLimit;
  if (!(limit > 0)) return new Error().stack ?? '';
  engine.stackTraceLimit = limit + MOST_OWN_LINES;
  const { stack } = new Error();
  engine.stackTraceLimit = limit;
  return stack ?? '';
}

function withoutOwnLines(stack: string): string {
  const lines = stack.split('\n').slice(1);
  return lines
    .filter((line) => !OWN_LINES.test(line))
    .join('\n')
    .trim();
}
