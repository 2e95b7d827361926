/** Run, for an op that changes a slice in place and says how to cut it: all chunks at once, where they lie. */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import type { Submitter } from '../submitter.js';
import { IN_NO_CELL, type Task, type Terms, type Trouble } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import { aborted, type FlowOptions } from './chunk-window.js';
import { partTerms } from './chunk.js';

/** A part of the user's slice, which an op changes where it lies. */
class RangeTask implements Task {
  readonly config: Configured;
  readonly idempotent = false;
  readonly input: SlotRef;
  readonly offset: number;
  readonly length: number;
  readonly lead = 0;
  readonly output = -1;
  readonly room = 0;
  readonly file = -1;
  readonly position = 0;
  readonly target = -1;
  readonly last: boolean;
  readonly terms: Terms;
  cell = IN_NO_CELL;
  trouble: Trouble | undefined = undefined;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;

  constructor(
    config: Configured,
    terms: Terms,
    slice: Slice,
    offset: number,
    done: () => void,
    failed: (error: unknown) => void,
  ) {
    const left = slice.byteLength - offset;
    const { size } = config.definition.split!;
    this.config = config;
    this.terms = terms;
    this.input = slice.ref;
    this.offset = offset;
    this.length = Math.min(size, left);
    this.last = left <= size;
    this.done = done;
    this.failed = failed;
  }
}

export async function runInPlace(
  submitter: Submitter,
  config: Configured,
  slice: Slice,
  { terms, signal, gate = submitter.large }: FlowOptions,
): Promise<Slice> {
  if (signal?.aborted) throw aborted(signal.reason);
  const large = gate.isLarge(slice.byteLength);
  const weight = gate.weightOf(slice.byteLength);
  if (large && !gate.tryEnter(weight)) await gate.enter(weight, signal);
  try {
    const part = partTerms(terms, large, gate.exempt);
    return await runRanges(submitter, config, part, slice, signal);
  } finally {
    if (large) gate.leave(weight);
  }
}

async function runRanges(
  submitter: Submitter,
  config: Configured,
  terms: Terms,
  slice: Slice,
  signal: AbortSignal | undefined,
): Promise<Slice> {
  const tasks: RangeTask[] = [];
  const onAbort = (): void => {
    for (const task of tasks) submitter.stop(task, aborted(signal?.reason));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const ranges: Promise<void>[] = [];
  for (let at = 0; at < slice.byteLength; at += config.definition.split!.size) {
    ranges.push(
      new Promise((resolve, reject) => {
        const task = new RangeTask(config, terms, slice, at, resolve, reject);
        tasks.push(task);
        submitter.submit(task);
      }),
    );
  }
  // Only when none runs any more is the slice its holder's again, whatever has failed.
  const outcomes = await Promise.allSettled(ranges);
  signal?.removeEventListener('abort', onAbort);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return slice;
}
