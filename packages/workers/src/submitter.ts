/** What flows need of whoever offers their tasks to the workers: the coordinator, or a branch in another thread. */
import type { BufferPools } from '@millrace/core';
import type { LargeGate } from './dispatch/large-gate.js';
import type { Task } from './dispatch/task.js';
import type { Configured } from './ops/configurations.js';
import type { OpenFlows } from './open-flows.js';
import type { Op } from './ops/define-op.js';
import type { Supply } from './supply/supply.js';

export interface Submitter {
  readonly buffers: BufferPools;
  /** The most threads there can be. */
  readonly threadCount: number;
  readonly large: LargeGate;
  /** How its operations get memory. */
  readonly supply: Supply;
  readonly flows: OpenFlows;
  /**
   * Begins to use an op with params; {@link release} ends it.
   *
   * @throws MillraceError for params that are wrong or cannot be cloned
   */
  configure<P>(op: Op<P, unknown>, params: P | undefined): Configured;
  /** Offers a task to the workers. Its `done` or `failed` is called exactly once, never synchronously. */
  submit(task: Task): void;
  /** Ends a task that was submitted: it fails with `error`, at once, or when its op has returned or its thread is ended. */
  stop(task: Task, error: unknown): void;
  /** To be called when no task of this use of an op is left and none will come. */
  release(config: Configured): void;
  /** @throws MillraceError `ERR_QUEUE_FULL` when as many tasks are in flight, or wait for memory, as there may be */
  requireRoom(): void;
}
