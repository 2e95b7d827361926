/**
 * Functions by reference: the module that exports one and the export's name. No code travels.
 *
 * A function is known once its module was loaded by `mill.load`, or from its definition on.
 */
import { MillraceError } from '@millrace/core';
import { addressOf } from './module.js';

/** Where a function is to be found, on any thread. */
export interface FunctionReference {
  /** The module that exports it. */
  readonly url: string | URL;
  /** The export's name. */
  readonly name: string;
}

/** The same in words that can be sent; one object for each function. */
export interface KnownFunction {
  readonly url: string;
  readonly name: string;
}

type AnyFunction = (...args: never[]) => unknown;

const byFunction = new WeakMap<object, KnownFunction>();
const byAddress = new Map<string, KnownFunction>();

/**
 * Makes a function known to `mill.call`, for modules that the caller imports statically.
 *
 * ```ts
 * // resize.ts
 * export const resize = defineFunction(import.meta.url, 'resize', (image: Slice, width: number) => { … });
 * ```
 *
 * @param url the module's own `import.meta.url`
 * @param name the name under which the module exports the function
 * @returns the function itself
 * @throws MillraceError `ERR_INVALID_ARG`
 */
export function defineFunction<F extends AnyFunction>(url: string, name: string, fn: F): F {
  if (typeof name !== 'string' || name === '' || typeof fn !== 'function') {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot define function "${String(name)}" of ${String(url)} as it needs an export's name and a function`,
    );
  }
  register(fn, addressOf(url), name);
  return fn;
}

/** The first name wins: a re-export is the same function. */
export function register(fn: object, url: string, name: string): void {
  if (!byFunction.has(fn)) byFunction.set(fn, known(url, name));
}

/** @throws MillraceError `ERR_INVALID_ARG` when it is nobody's */
export function referenceOf(target: AnyFunction | FunctionReference): KnownFunction {
  if (typeof target === 'function') {
    const reference = byFunction.get(target);
    if (reference) return reference;
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot call "${target.name || 'a function without a name'}" as no thread knows where to find it: load its module with mill.load, define it with defineFunction, or give { url, name }`,
    );
  }
  if (typeof target?.name !== 'string' || target.name === '') {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot call a value of type ${typeof target} as it is neither a function nor { url, name }`,
    );
  }
  return known(addressOf(target.url), target.name);
}

function known(url: string, name: string): KnownFunction {
  const key = `${name} ${url}`;
  let reference = byAddress.get(key);
  if (!reference) byAddress.set(key, (reference = { url, name }));
  return reference;
}
