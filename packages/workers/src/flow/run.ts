/** Run: one op on bytes or on a slice, and its result. */
import { MillraceError, Slice } from '@millrace/core';
import type { LargeGate } from '../dispatch/large-operations.js';
import type { Submitter } from '../submitter.js';
import type { Configured } from '../ops/configurations.js';
import { partTerms } from './chunk.js';
import { ChunkWindow, type FlowOptions } from './chunk-window.js';
import { SliceFeed } from './feeds.js';
import { abortedBy, termsOf, type TaskOptions } from '../dispatch/task-options.js';
import { runRanges } from './run-ranges.js';
import { unusedTask, type RunTask } from './run-task.js';
import { stoppable } from './single-task.js';
import { CollectingSink } from './sinks.js';
import { describe, openSource } from './source.js';

/** @throws MillraceError unless `data` is nothing, bytes, or a slice that this mill has lent and that was not released */
export function check({ buffers }: Submitter, { name }: Configured, data: unknown): void {
  if (data === undefined || data instanceof Uint8Array) return;
  if (!(data instanceof Slice)) {
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot run "${name}" on ${typeof data === 'object' ? describe(data) : `a ${typeof data}`}: give a Uint8Array or a slice`,
    );
  }
  if (data.owner !== buffers) {
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
  options: TaskOptions | undefined,
  gate: LargeGate = submitter.large,
): Promise<unknown> {
  return isChunked(config, data)
    ? runChunked(submitter, config, data, options, gate)
    : runWhole(submitter, config, data, options, gate);
}

function runWhole(
  submitter: Submitter,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: TaskOptions | undefined,
  gate: LargeGate,
): Promise<unknown> {
  const signal = options?.signal;
  const task = unusedTask();
  let result: Promise<unknown>;
  try {
    if (signal?.aborted) throw abortedBy(signal);
    submitter.requireRoom();
    const large = gate.isLarge(data?.byteLength ?? 0);
    const terms = partTerms(options && termsOf(options), large, gate.exempt);
    check(submitter, config, data);
    result = task.beginOn(submitter, config, terms, data, signal !== undefined);
  } catch (error) {
    submitter.release(config);
    return Promise.reject(error);
  }
  if (task.terms.bulk) submitLarge(submitter, task, result, gate, signal);
  else submitter.submit(task);
  return signal ? stoppable(submitter, task, result, signal) : result;
}

/** Submits a task on a large object when there is a permit for it. */
function submitLarge(
  submitter: Submitter,
  task: RunTask,
  result: Promise<unknown>,
  gate: LargeGate,
  signal: AbortSignal | undefined,
): void {
  const weight = gate.weightOf(task.length);
  const submit = (): void => {
    const leave = (): void => gate.leave(weight);
    result.then(leave, leave);
    submitter.submit(task);
  };
  if (gate.tryEnter(weight)) submit();
  else gate.enter(weight, signal).then(submit, (error: unknown) => task.failed(error));
}

/** Whether it takes more than one task: the op says how to cut its input, and that is larger, or its output framed. */
function isChunked(
  { definition: { split, merge } }: Configured,
  data: Uint8Array | Slice | undefined,
): boolean {
  return split !== undefined && (typeof merge === 'object' || (data?.byteLength ?? 0) > split.size);
}

/** Bytes of any size, or a slice where it lies. */
async function runChunked(
  submitter: Submitter,
  config: Configured,
  data: Uint8Array | Slice | undefined,
  options: TaskOptions | undefined,
  gate: LargeGate,
): Promise<unknown> {
  try {
    check(submitter, config, data);
    const terms = options && termsOf(options);
    const flow: FlowOptions = { signal: options?.signal, terms, gate };
    if (config.kind !== 'transform' && data instanceof Slice) {
      return await runRanges(submitter, config, data, flow);
    }
    const split = config.definition.split!;
    const feed =
      data instanceof Slice
        ? new SliceFeed(data, split)
        : (await openSource(data ?? new Uint8Array(0))).feed(split);
    const sink = new CollectingSink();
    const window = new ChunkWindow(submitter, config, feed, sink, flow);
    await window.run();
    return config.kind === 'value' ? window.value : sink.bytes;
  } finally {
    submitter.release(config);
  }
}
