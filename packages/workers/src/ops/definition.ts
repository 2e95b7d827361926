/**
 * What an op is made of. There are four kinds:
 *
 *   in place    changes the bytes where they lie     `inPlace: true`
 *   transform   bytes in, other bytes out            `outputBound`
 *   generator   bytes in, any number of outputs      `generates: true`
 *   value       bytes in, one value out              none of these
 *
 * All but generators can be cut into chunks, which all threads work on at once, by `split`; `merge` says
 * what becomes of the chunks' results.
 */
import type { BufferPools, Slice } from '@millrace/core';
import type { RunOptions } from '../dispatch/task-options.js';
import type { Op } from './define-op.js';

/** What `run` is told beside the bytes and the params. */
export interface OpContext<S = unknown> {
  /** Room for the output, for ops with `outputBound`; empty for others. */
  readonly output: Uint8Array;
  /** The bytes right before the input, for ops with an `overlap`; empty at the object's start. */
  readonly lead: Uint8Array;
  /** Whether the input is the last chunk of its object. Always true for a task that is not a chunk. */
  readonly last: boolean;
  /** Whether nobody wants the result any more, by a signal or a time limit. Cheap enough for inner loops. */
  readonly cancelled: boolean;
  /** Aborts when {@link cancelled} becomes true; in a sync op ask `signal.aborted`, which looks for itself. */
  readonly signal: AbortSignal;
  /** The pools as this thread sees them, to lease slices of its own. */
  readonly buffers: BufferPools;
  /**
   * Runs small tasks that wait, here and now: for ops that compute for milliseconds, to be called some ten
   * times in each. It costs little when none wait. So small tasks need not wait until another thread is free.
   * On Linux it also lets the mill's own thread have the processor, if that waits for it.
   */
  breathe(): void;
  /** To submit tasks in turn, and await them: for asynchronous ops. */
  readonly mill: TaskMill;
  /** What the op's `setup` returned on this thread; `undefined` for ops without one. */
  readonly state: S;
}

/** A mill as an op sees it. */
export interface TaskMill {
  /**
   * As `mill.run`. What belongs to a large operation already does not wait for a permit of its own.
   *
   * @throws MillraceError as `mill.run`
   */
  run<P, R>(
    op: Op<P, R>,
    data?: Uint8Array | Slice,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<R>;
}

/** How an object is cut. The cut depends on the offset alone: it is the same for any number of threads. */
export interface Split {
  /** Bytes of input in one chunk; the last may have fewer, and an empty object is one empty chunk. */
  readonly size: number;
  /** Bytes of the previous chunk that a chunk sees as `context.lead`. Not for ops in place. @defaultValue 0 */
  readonly overlap?: number;
}

/** What `run` may return when the op writes to `context.output`: bytes written, alone or with a number for `merge`. */
export type Written = number | { readonly size: number; readonly value: number };

/**
 * What stands around the joined outputs of a transform's chunks.
 * It runs on the coordinator's thread, so it must be quick: a few words a chunk.
 */
export interface Frame<P, F> {
  /** The state at the object's start. */
  start(params: P): F;
  /** The bytes in front of the first output. */
  head(params: P): Uint8Array;
  /** The state after one more chunk, given the number that its `run` returned. */
  join(state: F, value: number, inputBytes: number): F;
  /** The bytes after the last output. */
  tail(state: F): Uint8Array;
}

/**
 * Reduces two results to one: what came of all chunks so far, and what came of the next. Called in the
 * order of the input. An empty object is one empty chunk, and gives what `run` returns for that.
 * It runs on the coordinator's thread, so it must be quick. Write it behind `run`: from that the
 * compiler learns the types of both.
 */
export type Fold<P, R> = (left: R, right: R, params: P, rightBytes: number) => R;

interface Common<P, S> {
  /** Checks params on the caller's thread, and returns them complete. Throws what the caller should see. */
  readonly params?: (given: P | undefined) => P;
  /**
   * Makes what `run` finds as `context.state`: a compiled schema, a WebAssembly instance. Called once on
   * each thread for each configuration (op and params), before its first task there.
   */
  readonly setup?: (params: P) => S | Promise<S>;
  /**
   * Called when the configuration is dropped on a thread, or the thread leaves; not when the thread is
   * ended by force.
   */
  readonly teardown?: (state: S, params: P) => void | Promise<void>;
}

type Run<P, S, T> = (bytes: Uint8Array, params: P, context: OpContext<S>) => T;

/** An op that changes the bytes where they lie. It is not run again on the same bytes when its thread dies midway. */
export interface InPlaceDefinition<P, S> extends Common<P, S> {
  readonly inPlace: true;
  readonly outputBound?: never;
  readonly generates?: never;
  readonly run: Run<P, S, void | Promise<void>>;
  readonly split?: Split & { readonly overlap?: 0 };
  readonly merge?: 'concatenate';
}

/** An op that reads the bytes and writes others. */
export interface TransformDefinition<P, F, S> extends Common<P, S> {
  readonly inPlace?: never;
  /** The most bytes that `run` writes for `inputBytes` of input. */
  readonly outputBound: (inputBytes: number, params: P) => number;
  readonly generates?: never;
  readonly run: Run<P, S, Written | Promise<Written>>;
  readonly split?: Split;
  /** @defaultValue 'concatenate': the outputs are joined as they are */
  readonly merge?: 'concatenate' | Frame<P, F>;
}

/** An op that reads the bytes and yields any number of outputs. */
export interface GeneratorDefinition<P, Y, S> extends Common<P, S> {
  readonly inPlace?: never;
  readonly outputBound?: never;
  readonly generates: true;
  readonly run: Run<P, S, Generator<Y, void, undefined> | AsyncGenerator<Y, void, undefined>>;
  readonly split?: never;
  readonly merge?: never;
}

interface Value<P, R, S> extends Common<P, S> {
  readonly inPlace?: never;
  readonly outputBound?: never;
  readonly generates?: never;
  readonly run: Run<P, S, R | Promise<R>>;
}

/** An op that reads the bytes and returns something that can be cloned. With `split` it needs a `merge`. */
export type ValueDefinition<P, R, S> = Value<P, R, S> &
  (
    | { readonly split?: never; readonly merge?: never }
    | { readonly split: Split; readonly merge: Fold<P, R> }
  );

export type OpKind = 'in-place' | 'transform' | 'generator' | 'value';

/** All kinds in one, as the runtime sees them. */
export interface AnyDefinition<P> extends Common<P, unknown> {
  readonly inPlace?: true;
  readonly outputBound?: (inputBytes: number, params: P) => number;
  readonly generates?: true;
  readonly run: Run<P, unknown, unknown>;
  readonly split?: Split;
  readonly merge?: 'concatenate' | Frame<P, unknown> | Fold<P, unknown>;
}
