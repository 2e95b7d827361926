/** Call: any function that a module exports, on a worker, with slices among its arguments and results. */
import { MillraceError, type Slice } from '@millrace/core';
import type { Submitter } from '../submitter.js';
import { NOTHING, NUMBER } from '../dispatch/layout.js';
import type { Outcome } from '../dispatch/task.js';
import { call, type Letter } from '../ops/call.js';
import type { Configured } from '../ops/configurations.js';
import { referenceOf, type FunctionReference, type KnownFunction } from '../ops/functions.js';
import { adopt, lendingNote, takeOver } from '../ops/lending.js';
import { pack, unpack, type Parcel } from '../ops/parcel.js';
import { fromBytes, pointerIn, toBytes } from '../ops/wire.js';
import { SingleTask, stoppable } from './single-task.js';
import { abortedBy, termsOf, type TaskOptions } from '../dispatch/task-options.js';

export interface CallOptions extends TaskOptions {
  /**
   * Whether the function may be called again, on another thread, when it has failed or its thread has
   * died midway.
   *
   * @defaultValue false, true with `retry`
   */
  readonly idempotent?: boolean;
}

type AnyFunction = (...args: never[]) => unknown;

export class Calls {
  readonly #submitter: Submitter;
  /** How each function is called when its arguments are bytes: told to the workers once, and kept. */
  readonly #configured = new Map<KnownFunction, Configured>();

  constructor(submitter: Submitter) {
    this.#submitter = submitter;
  }

  call(
    target: AnyFunction | FunctionReference,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown> {
    const task = new CallTask();
    let result: Promise<unknown>;
    try {
      result = this.#begin(task, target, args, options);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#submitter.submit(task);
    return options?.signal ? stoppable(this.#submitter, task, result, options.signal) : result;
  }

  #begin(
    task: CallTask,
    target: AnyFunction | FunctionReference,
    args: readonly unknown[],
    options: CallOptions = {},
  ): Promise<unknown> {
    const fn = referenceOf(target);
    if (!Array.isArray(args)) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot call "${fn.name}" with arguments of type ${typeof args}: give an array`,
      );
    }
    if (options.signal?.aborted) throw abortedBy(options.signal);
    const terms = termsOf(options);
    this.#submitter.requireRoom();
    const lent: Slice[] = [];
    const parcel = pack(args, (slice) => lendingNote(slice, this.#submitter.buffers, lent));
    const input = args.length === 0 ? undefined : this.#inSlice(parcel);
    const config =
      input || args.length === 0 ? this.#configure(fn) : this.#configureOnce(fn, parcel);
    task.lent = lent;
    task.idempotent = options.idempotent ?? terms.retries > 0;
    return task.begin(this.#submitter, config, terms, input);
  }

  /** The parcel's bytes in shared memory; `undefined` when it must go by message. */
  #inSlice(parcel: Parcel): Slice | undefined {
    if (parcel.form === 'message') return undefined;
    const { buffers } = this.#submitter;
    let bytes: Uint8Array;
    try {
      bytes = toBytes(parcel);
    } catch {
      // A Proxy, for instance: refused as a message, in the words of structured cloning.
      return undefined;
    }
    const slice = bytes.length <= buffers.largest ? buffers.tryAcquire(bytes.length) : undefined;
    slice?.bytes.set(bytes);
    return slice;
  }

  #configure(fn: KnownFunction): Configured {
    let config = this.#configured.get(fn);
    if (!config) {
      config = { ...this.#submitter.configure(call, fn), name: fn.name };
      this.#configured.set(fn, config);
    }
    // One use is kept for as long as the mill lives.
    config.uses++;
    return config;
  }

  #configureOnce({ url, name }: KnownFunction, { value, notes }: Letter): Configured {
    try {
      const config = this.#submitter.configure(call, { url, name, letter: { value, notes } });
      return { ...config, name };
    } catch (error) {
      const { cause } = error as MillraceError;
      throw new MillraceError(
        'ERR_PARAMS_NOT_CLONEABLE',
        `Cannot call "${name}" as its arguments cannot be cloned to another thread: ${String(cause)}`,
        { cause },
      );
    }
  }
}

class CallTask extends SingleTask {
  idempotent = false;
  lent: readonly Slice[] = [];

  discard(outcome: Outcome): void {
    const { notes } = this.#letterOf(outcome);
    for (const note of notes) if (note.length > 1) adopt(note, this.submitter.buffers).release();
  }

  protected resultOf(outcome: Outcome): unknown {
    const { kind, value } = outcome;
    if (kind === NUMBER) return value;
    if (kind === NOTHING) return undefined;
    return this.#withSlices(this.#letterOf(outcome));
  }

  protected release(): void {
    this.given?.release();
  }

  #letterOf({ kind, payload }: Outcome): Letter {
    if (kind === NUMBER || kind === NOTHING) return { value: undefined, notes: [] };
    return payload instanceof Uint8Array ? this.#fromBytes(payload) : (payload as Letter);
  }

  #fromBytes(bytes: Uint8Array): Letter {
    const pointer = pointerIn(bytes);
    if (!pointer) return fromBytes(bytes);
    const slice = adopt(pointer, this.submitter.buffers);
    try {
      return fromBytes(slice.bytes);
    } finally {
      slice.release();
    }
  }

  #withSlices({ value, notes }: Letter): unknown {
    const adopted: Slice[] = [];
    const { buffers } = this.submitter;
    try {
      return unpack(value, notes, (note) => takeOver(note, buffers, this.lent, adopted));
    } catch (error) {
      for (const slice of adopted) slice.release();
      throw error;
    }
  }
}
