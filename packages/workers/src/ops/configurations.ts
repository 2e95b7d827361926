/**
 * Configured ops: an op together with its params, told to every worker once and then named by a number.
 *
 * Params are cloned when an op is configured, not for each chunk. They are recognised by their content
 * when they come again, so that `run(op, bytes, { level: 6 })` in a loop tells the workers one thing once,
 * and what an op's `setup` made of it is made once. Large params, and those with shared memory in them,
 * are configured for each call and dropped after it.
 */
import { MillraceError, type Slice } from '@millrace/core';
import type { Op } from './define-op.js';
import type { AnyDefinition, OpKind } from './definition.js';
import { keyOf } from './params-key.js';

/** What a worker is told. */
export interface Announcement {
  readonly type: 'config';
  readonly id: number;
  readonly url: string;
  readonly name: string;
  readonly params: unknown;
}

/** Tells a worker to forget a configuration. */
export interface Withdrawal {
  readonly type: 'drop';
  readonly id: number;
  /** Whether there is something to tear down: a worker at rest must wake for it. */
  readonly urgent: boolean;
}

export interface Configured {
  readonly id: number;
  readonly name: string;
  readonly url: string;
  readonly kind: OpKind;
  readonly definition: AnyDefinition<unknown>;
  /** Complete, and independent of what the caller passed. */
  readonly params: unknown;
  /** Where it is written down for workers, if they are not told by message. */
  record: Slice | undefined;
  /** Calls that use it now. */
  uses: number;
}

interface Known {
  readonly config: Configured;
  readonly announcement: Announcement;
  /** Where it is found again when the same params come; absent for params without a key. */
  readonly kept?: { readonly among: Map<string, Configured>; readonly key: string };
}

/** Configurations that nobody uses are forgotten when there are more than this. */
const MOST_IDLE = 256;

export class Configurations {
  readonly #announce: (message: Announcement | Withdrawal) => Slice | void;
  readonly #known = new Map<number, Known>();
  readonly #byOp = new WeakMap<object, Map<string, Configured>>();
  readonly #nextId: () => number;

  /**
   * @param announce tells the workers, or writes it down for them and returns where
   * @param nextId a number that no other configuration has
   */
  constructor(
    announce: (message: Announcement | Withdrawal) => Slice | void,
    nextId: () => number,
  ) {
    this.#announce = announce;
    this.#nextId = nextId;
  }

  /**
   * Begins to use an op with these params; {@link release} ends it.
   *
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
    const key = keyOf(params);
    let among = this.#byOp.get(op);
    if (!among) this.#byOp.set(op, (among = new Map<string, Configured>()));
    const config =
      (key === undefined ? undefined : among.get(key)) ?? this.#add(op, params, key, among);
    config.uses++;
    return config;
  }

  /** No task of this use is left, and none will come. */
  release(config: Configured): void {
    if (--config.uses > 0) return;
    const known = this.#known.get(config.id);
    if (known && !known.kept) this.#forget(known);
  }

  /** All that a new worker must be told. */
  all(): Announcement[] {
    return [...this.#known.values()].map(({ announcement }) => announcement);
  }

  #add<P>(
    op: Op<P, unknown>,
    params: unknown,
    key: string | undefined,
    among: Map<string, Configured>,
  ): Configured {
    if (this.#known.size >= MOST_IDLE) {
      for (const known of this.#known.values()) if (known.config.uses === 0) this.#forget(known);
    }
    const id = this.#nextId();
    const { name, url, kind } = op;
    const cloned = cloneOf(params, op);
    const announcement: Announcement = { type: 'config', id, url, name, params: cloned };
    const definition = op.definition as AnyDefinition<unknown>;
    const record = this.#announce(announcement) ?? undefined;
    const config = { id, name, url, kind, definition, params: cloned, record, uses: 0 };
    this.#known.set(id, {
      config,
      announcement,
      ...(key !== undefined && { kept: { among, key } }),
    });
    if (key !== undefined) among.set(key, config);
    return config;
  }

  #forget({ config, kept }: Known): void {
    this.#known.delete(config.id);
    kept?.among.delete(kept.key);
    const urgent = config.definition.teardown !== undefined;
    this.#announce({ type: 'drop', id: config.id, urgent });
    config.record?.release();
  }
}

function cloneOf<P>(params: unknown, { name, url }: Op<P, unknown>): unknown {
  try {
    return structuredClone(params);
  } catch (cause) {
    throw new MillraceError(
      'ERR_PARAMS_NOT_CLONEABLE',
      `Cannot run "${name}" of ${url} as its params cannot be cloned to another thread: ${String(cause)}`,
      { cause },
    );
  }
}
