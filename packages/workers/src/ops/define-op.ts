/**
 * An op: a named operation on bytes that a worker can run.
 *
 * It is an export of a module that both the main thread and the workers import, so that a worker can
 * find the function by the module's address and the export's name; no code travels.
 */
import { MillraceError } from '@millrace/core';

/** What `run` is told beside the bytes and the params. */
export interface OpContext {
  /** Room for the output, for ops with `outputBound`; empty for others. */
  readonly output: Uint8Array;
  /** The bytes right before the input, for ops with an `overlap`; empty at the object's start. */
  readonly lead: Uint8Array;
  /** Whether the input is the last chunk of its object. Always true for a task that is not a chunk. */
  readonly last: boolean;
}

/** What `run` may return when the op writes to `context.output`: bytes written, alone or with a number for `merge`. */
export type Written = number | { readonly size: number; readonly value: number };

/** How an op is run over the chunks of an object, in parallel and in order. */
export interface ChunkPlan<P, S> {
  /** Bytes of input in one chunk. */
  readonly size: number;
  /** Bytes of the previous chunk that a chunk sees as `context.lead`. @defaultValue 0 */
  readonly overlap?: number;
  /** What stands around the chunks' outputs; by default nothing, and the outputs are just joined. */
  readonly merge?: Merge<P, S>;
}

/** Runs on the coordinator's thread, so it must be quick: a few words a chunk. */
export interface Merge<P, S> {
  /** The state at the object's start. */
  start(params: P): S;
  /** The bytes in front of the first output. */
  head(params: P): Uint8Array;
  /** The state after one more chunk, given the number that its `run` returned. */
  join(state: S, value: number, inputBytes: number): S;
  /** The bytes after the last output. */
  tail(state: S): Uint8Array;
}

interface Common<P> {
  /** Checks params on the caller's thread, and returns them complete. Throws what the caller should see. */
  readonly params?: (given: P | undefined) => P;
}

/** An op that changes the bytes where they lie. It is not run again when its thread dies midway. */
export interface InPlaceOp<P> extends Common<P> {
  readonly inPlace: true;
  readonly run: (bytes: Uint8Array, params: P, context: OpContext) => void | Promise<void>;
}

/** An op that reads the bytes and writes others. */
export interface TransformOp<P, S = unknown> extends Common<P> {
  /** The most bytes that `run` writes for `inputBytes` of input. */
  readonly outputBound: (inputBytes: number, params: P) => number;
  readonly chunk?: ChunkPlan<P, S>;
  readonly run: (bytes: Uint8Array, params: P, context: OpContext) => Written | Promise<Written>;
}

/** An op that reads the bytes and returns something that can be cloned. */
export interface ValueOp<P, R> extends Common<P> {
  readonly run: (bytes: Uint8Array, params: P, context: OpContext) => R | Promise<R>;
}

export type OpKind = 'in-place' | 'transform' | 'value';

/** An op as callers pass it around. `R` is what `mill.run` resolves with. */
export class Op<P, R> {
  /** The module that exports it. */
  readonly url: string;
  /** The export's name. */
  readonly name: string;
  readonly kind: OpKind;
  readonly definition: AnyOp<P>;
  /** Never set: it only carries the type of the result. */
  declare readonly result: R;

  constructor(url: string, name: string, definition: AnyOp<P>) {
    this.url = url;
    this.name = name;
    this.definition = definition;
    this.kind =
      'inPlace' in definition ? 'in-place' : 'outputBound' in definition ? 'transform' : 'value';
  }
}

/** The union of all kinds, as the runtime sees it. */
export interface AnyOp<P> extends Common<P> {
  readonly inPlace?: true;
  readonly outputBound?: (inputBytes: number, params: P) => number;
  readonly chunk?: ChunkPlan<P, unknown>;
  readonly run: (bytes: Uint8Array, params: P, context: OpContext) => unknown;
}

/**
 * Defines an op.
 *
 * ```ts
 * // invert.ts
 * export const invert = defineOp(import.meta.url, 'invert', {
 *   inPlace: true,
 *   run(bytes) {
 *     for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 255;
 *   },
 * });
 * ```
 *
 * @param url the module's own `import.meta.url`
 * @param name the name under which the module exports the op
 * @throws MillraceError `ERR_INVALID_ARG`
 */
export function defineOp<P = void>(
  url: string,
  name: string,
  definition: InPlaceOp<P>,
): Op<P, void>;
export function defineOp<P = void, S = unknown>(
  url: string,
  name: string,
  definition: TransformOp<P, S>,
): Op<P, Uint8Array>;
export function defineOp<P = void, R = unknown>(
  url: string,
  name: string,
  definition: ValueOp<P, R>,
): Op<P, R>;
export function defineOp<P, R>(url: string, name: string, definition: object): Op<P, R> {
  const { run } = definition as Partial<AnyOp<P>>;
  if (typeof url !== 'string' || !/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot define op "${name}" as its address must be the module's import.meta.url: got ${String(url)}`,
    );
  }
  if (typeof name !== 'string' || name === '' || typeof run !== 'function') {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot define op "${String(name)}" of ${url} as it needs an export's name and a function "run"`,
    );
  }
  return new Op(url, name, definition as AnyOp<P>);
}
