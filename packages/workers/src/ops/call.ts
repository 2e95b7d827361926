/**
 * The op behind `mill.call`: finds a function that a module exports, and calls it with arguments that
 * come as a parcel. Its result goes back as one.
 */
import { MillraceError, type Slice } from '@millrace/core';
import { INLINE_BYTES } from '../dispatch/layout.js';
import { OnlyByPort } from '../dispatch/letters.js';
import { currentThread } from './current-thread.js';
import { defineOp } from './define-op.js';
import type { KnownFunction } from './functions.js';
import { handingNote } from './lending.js';
import { Loan } from './loan.js';
import { exportOf, importModule, type Exports } from './module.js';
import { pack, unpack, type Parcel } from './parcel.js';
import { fromBytes, pointerTo, toBytes } from './wire.js';

/** What is left of a parcel when it is sent as a message. */
export type Letter = Omit<Parcel, 'form'>;

export interface CallParams extends KnownFunction {
  /** The arguments, where they cannot be bytes in a slice. */
  readonly letter?: Letter;
}

type AnyFunction = (...args: unknown[]) => unknown;

const NO_ARGUMENTS: Letter = { value: [], notes: [] };

/** Modules that this thread has imported for a call. */
const modules = new Map<string, Exports>();

export const call = defineOp<CallParams>(import.meta.url, 'call', {
  run(bytes, params) {
    const exports = modules.get(params.url);
    const sent = params.letter ?? (bytes.length === 0 ? NO_ARGUMENTS : fromBytes(bytes));
    return exports ? perform(exports, params, sent) : loadAndPerform(params, sent);
  },
});

async function loadAndPerform(params: CallParams, sent: Letter): Promise<unknown> {
  const exports = await importModule(params.url);
  modules.set(params.url, exports);
  return perform(exports, params, sent);
}

function perform(exports: Exports, { url, name }: CallParams, sent: Letter): unknown {
  const fn = exportOf(exports, url, name);
  if (typeof fn !== 'function') {
    throw new MillraceError(
      'ERR_OP_LOAD',
      `Cannot call "${name}" of ${url} as it is no function but of type ${typeof fn}`,
    );
  }
  const loan = new Loan(currentThread().buffers);
  let result: unknown;
  try {
    result = (fn as AnyFunction)(...argumentsOf(sent, loan));
    if (isThenable(result)) return settle(result, loan, name);
  } catch (error) {
    loan.end();
    throw error;
  }
  return answer(result, loan, name);
}

async function settle(result: PromiseLike<unknown>, loan: Loan, name: string): Promise<unknown> {
  let settled: unknown;
  try {
    settled = await result;
  } catch (error) {
    loan.end();
    throw error;
  }
  return answer(settled, loan, name);
}

function argumentsOf({ value, notes }: Letter, loan: Loan): unknown[] {
  return unpack(value, notes, (note) => loan.lend(note)) as unknown[];
}

/** What the op's task is to carry back; slices of this thread in it are the caller's from then on. */
function answer(result: unknown, loan: Loan, name: string): unknown {
  if (result === undefined || typeof result === 'number') {
    loan.end();
    return result;
  }
  const own = new Set<Slice>();
  try {
    const sent = send(
      pack(result, (slice) => handingNote(slice, currentThread().buffers, loan, own)),
      own,
    );
    for (const slice of own) slice.handOver();
    return sent;
  } catch (cause) {
    for (const slice of own) slice[Symbol.dispose]();
    throw new MillraceError(
      'ERR_OP_OUTPUT',
      `Cannot return the result of "${name}": ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  } finally {
    loan.end();
  }
}

/** As bytes where that is possible: in the cell, in a slice, or by message when there is none. */
function send(parcel: Parcel, own: Set<Slice>): unknown {
  if (parcel.form === 'message') {
    const { value, notes } = parcel;
    // To be sure of it: once its slices are handed over there is no way back.
    return new OnlyByPort(structuredClone({ value, notes }));
  }
  const bytes = toBytes(parcel);
  const { buffers } = currentThread();
  if (bytes.length <= INLINE_BYTES || bytes.length > buffers.largest) return bytes;
  const slice = buffers.tryAcquire(bytes.length);
  if (!slice) return bytes;
  own.add(slice);
  slice.bytes.set(bytes);
  return pointerTo([slice.ref, slice.lease, slice.byteLength]);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
