/** Run: one op on bytes or on a slice, and its result. */
import { MillraceError, Slice } from '@millrace/core';
import type { LargeGate } from '../dispatch/large-gate.js';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import { poolsOf } from '../ops/loan.js';
import type { Terms } from '../dispatch/task.js';
import type { Lot } from '../supply/memory-line.js';
import { partTerms } from './chunk.js';
import type { FlowOptions } from './flow.js';
import { abortedBy, termsOf, type RunOptions } from '../dispatch/task-options.js';
import { checkStrategy } from './flow-op.js';
import { openWindow, windowOfSlice } from './open-window.js';
import { runRanges } from './run-ranges.js';
import { roomFor, unusedTask, type RunTask } from './run-task.js';
import { stoppable } from './single-task.js';
import { CollectingSink } from './sinks.js';
import { describe, sourceOfBytes } from './source.js';

/** @throws MillraceError unless `data` is nothing, bytes, or a slice that this mill has lent and that was not released */
export function check({ buffers }: Submitter, { name }: Configured, data: unknown): void {
  if (data === undefined || data instanceof Uint8Array) return;
  if (!(data instanceof Slice)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot run "${name}" on ${typeof data === 'object' ? describe(data) : `a ${typeof data}`}: give a Uint8Array or a slice`,
    );
  }
  if (poolsOf(data) !== buffers) {
    throw new MillraceError('ERR_SLICE_FOREIGN', `Cannot run "${name}" on a slice of another mill`);
  }
  if (!data.live) {
    throw new MillraceError('ERR_SLICE_STALE', `Cannot run "${name}" on a slice that was released`);
  }
}

/** Runs an op on nothing, on bytes, or on a slice, in chunks if it says how. Ends the use of `config`. */
export function run(
  submitter: Submitter,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: RunOptions | undefined,
  gate: LargeGate = submitter.large,
): Promise<unknown> {
  return isChunked(config, data, options)
    ? runChunked(submitter, config, data, options, gate)
    : runWhole(submitter, config, data, options, gate);
}

function runWhole(
  submitter: Submitter,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: RunOptions | undefined,
  gate: LargeGate,
): Promise<unknown> {
  const signal = options?.signal;
  const task = unusedTask();
  let terms: Terms;
  let result: Promise<unknown> | undefined;
  try {
    if (signal?.aborted) throw abortedBy(signal);
    if (options) checkStrategy(options.strategy, config);
    submitter.requireRoom();
    const large = gate.isLarge(data?.byteLength ?? 0);
    terms = partTerms(options && termsOf(options), large, gate.exempt);
    check(submitter, config, data);
    result = task.beginOn(submitter, config, terms, data, signal !== undefined);
  } catch (error) {
    submitter.release(config);
    return Promise.reject(error);
  }
  return result
    ? send(submitter, task, result, gate, signal)
    : runLater(submitter, task, config, terms, data, gate, signal);
}

function send(
  submitter: Submitter,
  task: RunTask,
  result: Promise<unknown>,
  gate: LargeGate,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (submitter.supply.settings.enableDetailedMetrics) time(submitter, task.length, result);
  if (task.terms.bulk) submitLarge(submitter, task, gate, signal);
  else submitter.submit(task);
  return signal ? stoppable(submitter, task, result, signal) : result;
}

function time({ supply }: Submitter, bytes: number, result: Promise<unknown>): void {
  const startedAt = performance.now();
  const took = (): void => supply.took(bytes, performance.now() - startedAt);
  result.then(took, took);
}

/** Runs it when there is memory for it. */
async function runLater(
  submitter: Submitter,
  task: RunTask,
  config: Configured,
  terms: Terms,
  data: Uint8Array | Slice | undefined,
  gate: LargeGate,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const given = data instanceof Slice ? data : undefined;
  // The caller may use its memory for something else, as it may when there is no wait.
  const bytes = data instanceof Uint8Array ? data.slice() : undefined;
  let lot: Lot;
  try {
    const inputBytes = bytes?.length ?? 0;
    const need = { name: config.name, inputBytes, outputBytes: roomFor(config, data), given };
    lot = await submitter.supply.wait(need, signal);
  } catch (error) {
    submitter.release(config);
    throw error;
  }
  if (bytes && bytes.length > 0) lot.input!.bytes.set(bytes);
  const result = task.beginWith(submitter, config, terms, given, lot, signal !== undefined);
  try {
    // Both may have come about in the meantime.
    if (signal?.aborted) throw abortedBy(signal);
    check(submitter, config, data);
  } catch (error) {
    task.failed(error);
    return result;
  }
  return send(submitter, task, result, gate, signal);
}

/** Submits a task on a large object when there is a permit for it. */
function submitLarge(
  submitter: Submitter,
  task: RunTask,
  gate: LargeGate,
  signal: AbortSignal | undefined,
): void {
  const weight = gate.weightOf(task.length);
  const submit = (): void => {
    task.holds(gate, weight);
    submitter.submit(task);
    // It may have been aborted as the permit was on its way.
    if (signal?.aborted) submitter.stop(task, abortedBy(signal));
  };
  if (gate.tryEnter(weight)) submit();
  else gate.enter(weight, signal).then(submit, (error: unknown) => task.failed(error));
}

/** Whether it takes more than one task: the op says how to cut its input, and that is larger, or its output framed. */
function isChunked(
  { definition: { split, merge } }: Configured,
  data: Uint8Array | Slice | undefined,
  options: RunOptions | undefined,
): boolean {
  if (split === undefined) return false;
  if (typeof merge === 'object' || (data?.byteLength ?? 0) > split.size) return true;
  return options?.strategy === 'chunked' || options?.strategy === 'direct';
}

/** Bytes of any size, or a slice where it lies. */
async function runChunked(
  submitter: Submitter,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: RunOptions | undefined,
  gate: LargeGate,
): Promise<unknown> {
  try {
    check(submitter, config, data);
    const terms = options && termsOf(options);
    const { signal, strategy } = options ?? {};
    checkStrategy(strategy, config);
    const flow: FlowOptions = { signal, terms, gate, strategy };
    if (config.kind !== 'transform' && data instanceof Slice) {
      return await runRanges(submitter, config, data, flow);
    }
    const sink = new CollectingSink();
    const window =
      data instanceof Slice
        ? windowOfSlice(submitter, config, data, sink, flow)
        : await openWindow(submitter, config, sourceOfBytes(data ?? new Uint8Array(0)), sink, flow);
    await window.run();
    return config.kind === 'value' ? window.value : sink.bytes;
  } finally {
    submitter.release(config);
  }
}
