/** A task that is not part of a larger object, and the promise of its result. */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import { abortedBy } from '../dispatch/task-options.js';
import { IN_NO_CELL, type Outcome, type Task, type Terms, type Trouble } from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import type { Submitter } from '../submitter.js';

/** The ends of the promise that was made last. */
let resolveLast: (result: unknown) => void;
let rejectLast: (error: unknown) => void;
/** One executor for all promises: a closure for each would live as long as its task. */
const takeEnds = (resolve: (result: unknown) => void, reject: (error: unknown) => void): void => {
  resolveLast = resolve;
  rejectLast = reject;
};

/**
 * There may be tens of thousands at a time, so it holds no more than it must: what all have in common is
 * the class's.
 */
export abstract class SingleTask implements Task {
  readonly config: Configured;
  readonly terms: Terms;
  readonly result: Promise<unknown>;
  cell = IN_NO_CELL;
  trouble: Trouble | undefined = undefined;
  protected readonly submitter: Submitter;
  protected readonly given: Slice | undefined;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;

  /** @param given what the op works on */
  constructor(submitter: Submitter, config: Configured, terms: Terms, given: Slice | undefined) {
    this.submitter = submitter;
    this.config = config;
    this.terms = terms;
    this.given = given;
    this.result = new Promise(takeEnds);
    this.#resolve = resolveLast;
    this.#reject = rejectLast;
  }

  abstract get idempotent(): boolean;

  get input(): SlotRef | -1 {
    return this.given?.ref ?? -1;
  }

  get length(): number {
    return this.given?.byteLength ?? 0;
  }

  get output(): SlotRef | -1 {
    return -1;
  }

  get room(): number {
    return 0;
  }

  get offset(): number {
    return 0;
  }

  get lead(): number {
    return 0;
  }

  get file(): number {
    return -1;
  }

  get position(): number {
    return 0;
  }

  get target(): number {
    return -1;
  }

  get last(): boolean {
    return true;
  }

  done(outcome: Outcome): void {
    let result: unknown;
    try {
      result = this.resultOf(outcome);
    } catch (error) {
      // There was no memory for it.
      this.failed(error);
      return;
    }
    this.#end();
    this.#resolve(result);
  }

  failed(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  /** What the caller gets; it may throw. */
  protected abstract resultOf(outcome: Outcome): unknown;

  /** Gives the slices back that are not the caller's. */
  protected abstract release(): void;

  #end(): void {
    this.release();
    this.submitter.release(this.config);
  }
}

/** The task's result, unless `signal` stops it before. */
export async function stoppable(
  submitter: Submitter,
  task: SingleTask,
  signal: AbortSignal,
): Promise<unknown> {
  const onAbort = (): void => submitter.stop(task, abortedBy(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await task.result;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
