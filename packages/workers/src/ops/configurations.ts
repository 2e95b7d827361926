/**
 * Configured ops: an op together with its params, told to every worker once and then named by a number.
 *
 * Params are cloned when an op is configured, not for each chunk. Flat params (no objects inside) are
 * recognised when they come again, so that `run(op, bytes, { level: 6 })` in a loop tells the workers
 * one thing once. Others are configured for each call and dropped after it.
 */
import { MillraceError } from '@millrace/core';
import type { AnyOp, Op, OpKind } from './define-op.js';

/** What a worker is told. */
export interface Announcement {
  readonly type: 'config';
  readonly id: number;
  readonly url: string;
  readonly name: string;
  readonly params: unknown;
}

export interface Configured {
  readonly id: number;
  readonly name: string;
  readonly kind: OpKind;
  readonly definition: AnyOp<unknown>;
  /** Complete, and independent of what the caller passed. */
  readonly params: unknown;
  /** Whether {@link Configurations.drop} forgets it. */
  readonly transient: boolean;
}

export class Configurations {
  readonly #announce: (message: Announcement | { type: 'drop'; id: number }) => void;
  readonly #known = new Map<number, Announcement>();
  readonly #byOp = new WeakMap<object, Map<string, Configured>>();
  #nextId = 1;

  constructor(announce: (message: Announcement | { type: 'drop'; id: number }) => void) {
    this.#announce = announce;
  }

  /**
   * @throws MillraceError `ERR_INVALID_ARG`, `ERR_PARAMS_NOT_CLONEABLE`, or what the op's own check throws
   */
  configure<P>(op: Op<P, unknown>, given: P | undefined): Configured {
    if (typeof op?.definition?.run !== 'function') {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot run a value of type ${typeof op} as it is not an op: make one with defineOp`,
      );
    }
    const check = op.definition.params;
    const params: unknown = check ? check(given) : given;
    const key = flatKey(params);
    let configs = this.#byOp.get(op);
    if (!configs) this.#byOp.set(op, (configs = new Map<string, Configured>()));
    const kept = key === undefined ? undefined : configs.get(key);
    if (kept) return kept;

    const config: Configured = {
      id: this.#nextId++,
      name: op.name,
      kind: op.kind,
      definition: op.definition as AnyOp<unknown>,
      params: cloneOf(params, op.name),
      transient: key === undefined,
    };
    if (key !== undefined) configs.set(key, config);
    const announcement: Announcement = {
      type: 'config',
      id: config.id,
      url: op.url,
      name: op.name,
      params: config.params,
    };
    this.#known.set(config.id, announcement);
    this.#announce(announcement);
    return config;
  }

  /** Forgets a transient configuration that no task uses any more. */
  drop(config: Configured): void {
    if (config.transient && this.#known.delete(config.id)) {
      this.#announce({ type: 'drop', id: config.id });
    }
  }

  /** All that a new worker must be told. */
  all(): Announcement[] {
    return [...this.#known.values()];
  }
}

/** A key that equal flat params share; `undefined` for params that are not flat. */
function flatKey(params: unknown): string | undefined {
  if (params === undefined) return '';
  if (params === null) return 'null';
  if (typeof params !== 'object' || Object.getPrototypeOf(params) !== Object.prototype)
    return undefined;
  let key = '{';
  for (const [name, value] of Object.entries(params)) {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function')
      return undefined;
    const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
    key += `${JSON.stringify(name)}:${typeof value}:${text},`;
  }
  return key;
}

function cloneOf(params: unknown, name: string): unknown {
  try {
    return structuredClone(params);
  } catch (cause) {
    throw new MillraceError(
      'ERR_PARAMS_NOT_CLONEABLE',
      `Cannot run "${name}" as its params cannot be cloned to another thread: ${String(cause)}`,
      { cause },
    );
  }
}
