/**
 * Run, for an op over a slice that says how to cut it and writes no other bytes: its chunks are ranges of
 * the slice, which the workers change or read where they lie. No memory is taken, so many may wait.
 */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import type { Submitter } from '../submitter.js';
import { ELSEWHERE, type Outcome, type Task, type Terms, type Trouble } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import { aborted, type FlowOptions } from './flow.js';
import { partTerms, valueOf } from './chunk.js';
import { Reduction } from './reduction.js';

/** So many ranges are offered at a time. */
const MOST_OFFERED = 1024;

/** A part of the user's slice. */
class RangeTask implements Task {
  readonly config: Configured;
  readonly terms: Terms;
  readonly idempotent: boolean;
  readonly input: SlotRef;
  readonly offset: number;
  readonly lead: number;
  readonly length: number;
  readonly output = -1;
  readonly room = 0;
  readonly file = -1;
  readonly position = 0;
  readonly target = -1;
  readonly last: boolean;
  cell = ELSEWHERE;
  trouble: Trouble | undefined = undefined;
  settled = false;
  value: unknown;
  readonly #run: RangesRun;

  constructor(run: RangesRun, from: number) {
    const { config, slice } = run;
    const { size, overlap = 0 } = config.definition.split!;
    this.config = config;
    this.terms = run.terms;
    this.idempotent = config.kind !== 'in-place';
    this.input = slice.ref;
    this.lead = Math.min(from, overlap);
    this.offset = from - this.lead;
    this.length = Math.min(size, slice.byteLength - from);
    this.last = from + this.length === slice.byteLength;
    this.#run = run;
  }

  done(outcome: Outcome): void {
    this.value = valueOf(outcome);
    this.settled = true;
    this.#run.onSettled();
  }

  failed(error: unknown): void {
    this.settled = true;
    this.#run.fail(error);
    this.#run.onSettled();
  }
}

class RangesRun {
  readonly config: Configured;
  readonly terms: Terms;
  readonly slice: Slice;
  readonly result: Promise<unknown>;
  readonly #submitter: Submitter;
  readonly #reduction: Reduction;
  /** In the order of the slice; those in front have been reduced. */
  #offered: RangeTask[] = [];
  #head = 0;
  #next = 0;
  #unsettled = 0;
  #failure: { readonly error: unknown } | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(submitter: Submitter, config: Configured, terms: Terms, slice: Slice) {
    this.#submitter = submitter;
    this.config = config;
    this.terms = terms;
    this.slice = slice;
    this.#reduction = new Reduction(config);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  begin(): void {
    while (this.#offerOne());
  }

  onSettled(): void {
    this.#unsettled--;
    this.#reduce();
    while (this.#offerOne());
    // Only when none runs any more is the slice its holder's again, whatever has failed.
    if (this.#unsettled > 0) return;
    if (this.#failure) this.#reject(this.#failure.error);
    else this.#resolve(this.config.kind === 'in-place' ? this.slice : this.#reduction.value);
  }

  fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    for (const task of this.#offered.slice(this.#head)) this.#submitter.stop(task, error);
  }

  #offerOne(): boolean {
    if (this.#failure || this.#next >= this.slice.byteLength) return false;
    if (this.#offered.length - this.#head >= MOST_OFFERED) return false;
    const task = new RangeTask(this, this.#next);
    this.#next += task.length;
    this.#unsettled++;
    this.#offered.push(task);
    this.#submitter.submit(task);
    return true;
  }

  #reduce(): void {
    try {
      while (!this.#failure) {
        const task = this.#offered[this.#head];
        if (!task?.settled) break;
        this.#reduction.add(task.value, task.length);
        this.#head++;
      }
    } catch (error) {
      this.fail(error);
    }
    if (this.#head < MOST_OFFERED) return;
    this.#offered = this.#offered.slice(this.#head);
    this.#head = 0;
  }
}

/** Gives the slice for an op in place, else the value. */
export async function runRanges(
  submitter: Submitter,
  config: Configured,
  slice: Slice,
  { terms, signal, gate = submitter.large }: FlowOptions,
): Promise<unknown> {
  if (signal?.aborted) throw aborted(signal.reason);
  const large = gate.isLarge(slice.byteLength);
  const weight = gate.weightOf(slice.byteLength);
  if (large && !gate.tryEnter(weight)) await gate.enter(weight, signal);
  const run = new RangesRun(submitter, config, partTerms(terms, large, gate.exempt), slice);
  const onAbort = (): void => run.fail(aborted(signal?.reason));
  try {
    // It may have been aborted as the permit was on its way.
    if (signal?.aborted) throw aborted(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    run.begin();
    return await run.result;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (large) gate.leave(weight);
  }
}
