/** A task that is not part of a larger object, and the promise of its result. */
import type { Slice } from '@millrace/core';
import type { SlotRef } from '@millrace/core/internal';
import { abortedBy } from '../dispatch/task-options.js';
import {
  ELSEWHERE,
  USUAL_TERMS,
  type Outcome,
  type Task,
  type Terms,
  type Trouble,
} from '../dispatch/task.js';
import type { Configured } from '../ops/configurations.js';
import type { Submitter } from '../submitter.js';

/** The end of the promise that was made last. */
let resolveLast: (result: unknown) => void;
/** One executor for all promises: a closure for each would live as long as its task. */
const takeEnd = (resolve: (result: unknown) => void): void => {
  resolveLast = resolve;
};

/**
 * There may be tens of thousands at a time, so it holds no more than it must: what all have in common is
 * the class's, and the promise is the caller's.
 */
export abstract class SingleTask implements Task {
  cell = ELSEWHERE;
  trouble: Trouble | undefined = undefined;
  terms: Terms = USUAL_TERMS;
  protected given: Slice | undefined = undefined;
  #submitter: Submitter | undefined = undefined;
  #config: Configured | undefined = undefined;
  #resolve: ((result: unknown) => void) | undefined = undefined;

  /**
   * The task is this one from now on, until it has settled.
   *
   * @param given what the op works on
   */
  begin(
    submitter: Submitter,
    config: Configured,
    terms: Terms,
    given: Slice | undefined,
  ): Promise<unknown> {
    this.cell = ELSEWHERE;
    this.#submitter = submitter;
    this.#config = config;
    this.terms = terms;
    this.given = given;
    const result = new Promise(takeEnd);
    this.#resolve = resolveLast;
    return result;
  }

  protected get submitter(): Submitter {
    return this.#submitter!;
  }

  get config(): Configured {
    return this.#config!;
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
    const resolve = this.#resolve!;
    this.#end();
    resolve(result);
  }

  failed(error: unknown): void {
    // The other end of the promise would live as long as the task, for this alone.
    const resolve = this.#resolve!;
    this.#end();
    resolve(Promise.reject(error));
  }

  /** What the caller gets; it may throw. */
  protected abstract resultOf(outcome: Outcome): unknown;

  /** Gives the slices back that are not the caller's. */
  protected abstract release(): void;

  /** Nothing is held on to by a task that has settled. */
  #end(): void {
    this.release();
    this.submitter.release(this.config);
    this.given = this.#submitter = this.#config = this.#resolve = undefined;
  }
}

/** The task's result, unless `signal` stops it before. */
export async function stoppable(
  submitter: Submitter,
  task: SingleTask,
  result: Promise<unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  const onAbort = (): void => submitter.stop(task, abortedBy(signal));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await result;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
