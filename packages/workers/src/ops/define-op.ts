/**
 * An op: a named operation on bytes that a worker can run.
 *
 * It is an export of a module that both the main thread and the workers import, so that a worker can
 * find the function by the module's address and the export's name; no code travels.
 */
import { MillraceError } from '@millrace/core';
import type {
  AnyDefinition,
  GeneratorDefinition,
  InPlaceDefinition,
  OpKind,
  TransformDefinition,
  ValueDefinition,
} from './definition.js';
import { faultOf } from './definition-check.js';

/**
 * An op as callers pass it around.
 *
 * `P` are its params, `K` its kind, `R` is what comes of it: the output of a transform, the value of a
 * value op, each output of a generator.
 */
export class Op<P, R, K extends OpKind = OpKind> {
  /** The module that exports it. */
  readonly url: string;
  /** The export's name. */
  readonly name: string;
  readonly kind: K;
  readonly definition: AnyDefinition<P>;
  /** Never set: it only carries the type of the result. */
  declare readonly result: R;

  /** Use {@link defineOp}. */
  constructor(url: string, name: string, kind: K, definition: AnyDefinition<P>) {
    this.url = url;
    this.name = name;
    this.kind = kind;
    this.definition = definition;
  }
}

export type InPlaceOp<P = void> = Op<P, void, 'in-place'>;
export type TransformOp<P = void> = Op<P, Uint8Array, 'transform'>;
export type ValueOp<P, R> = Op<P, R, 'value'>;
/** `Y` is one output: bytes, or anything else that can be cloned. */
export type GeneratorOp<P, Y> = Op<P, Y, 'generator'>;

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
export function defineOp<P = void, S = undefined>(
  url: string,
  name: string,
  definition: InPlaceDefinition<P, S>,
): InPlaceOp<P>;
export function defineOp<P = void, F = unknown, S = undefined>(
  url: string,
  name: string,
  definition: TransformDefinition<P, F, S>,
): TransformOp<P>;
export function defineOp<P = void, Y = unknown, S = undefined>(
  url: string,
  name: string,
  definition: GeneratorDefinition<P, Y, S>,
): GeneratorOp<P, Y>;
export function defineOp<P = void, R = unknown, S = undefined>(
  url: string,
  name: string,
  definition: ValueDefinition<P, R, S>,
): ValueOp<P, R>;
export function defineOp<P, R>(url: string, name: string, definition: object): Op<P, R> {
  if (typeof url !== 'string' || !/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot define op "${String(name)}" as its address must be the module's import.meta.url: got ${String(url)}`,
    );
  }
  if (typeof name !== 'string' || name === '') {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot define an op of ${url} as it needs the name of its export: got ${String(name)}`,
    );
  }
  const fault = faultOf(definition);
  if (fault !== undefined) {
    throw new MillraceError('ERR_INVALID_ARG', `Cannot define op "${name}" of ${url} as ${fault}`);
  }
  const whole = definition as AnyDefinition<P>;
  return new Op(url, name, kindOf(whole), whole);
}

function kindOf<P>({ inPlace, outputBound, generates }: AnyDefinition<P>): OpKind {
  if (inPlace) return 'in-place';
  if (outputBound) return 'transform';
  return generates ? 'generator' : 'value';
}
