/**
 * A branch: a mill as another thread sees it, to submit tasks of its own.
 *
 * It owns the lane of its thread, leases from the same memory, and shares the cap on large operations.
 * What its configurations are is written down in slices, where workers find it: no message lies between
 * a branch and a worker, and none goes through the mill's own thread.
 */
import { serialize } from 'node:v8';
import { MillraceError, type BufferPools, type Slice } from '@millrace/core';
import { Dispatcher } from './dispatch/dispatcher.js';
import type { LargeGate } from './dispatch/large-gate.js';
import { LargeOperations } from './dispatch/large-operations.js';
import { CLOSING, CONFIGS, laneOf } from './dispatch/layout.js';
import type { CommonLimits } from './dispatch/limits.js';
import type { Task } from './dispatch/task.js';
import { Vacancy } from './dispatch/vacancy.js';
import {
  Configurations,
  type Announcement,
  type Configured,
  type Withdrawal,
} from './ops/configurations.js';
import { OpenFlows } from './open-flows.js';
import type { Op } from './ops/define-op.js';
import { millClosed, queueFull, refuse } from './dispatch/refusals.js';
import type { Submitter } from './submitter.js';
import { Supply } from './supply/supply.js';
import type { OutletBasis } from './threads/task-mill.js';

export class Branch implements Submitter {
  readonly buffers: BufferPools;
  readonly threadCount: number;
  readonly large: LargeGate;
  readonly supply: Supply;
  readonly flows = new OpenFlows();
  readonly #words: Int32Array;
  readonly #limits: CommonLimits;
  readonly #dispatcher: Dispatcher;
  readonly #ops: Configurations;
  readonly #vacancy: Vacancy;
  readonly #onVacancy: () => void;
  #refusal: MillraceError | undefined;

  constructor({ words, buffers, threadCount, limits, onStuck, onVacancy }: OutletBasis) {
    const { thread } = buffers;
    this.#words = words;
    this.#limits = limits;
    this.#vacancy = new Vacancy(words);
    this.#onVacancy = onVacancy;
    this.buffers = buffers;
    this.threadCount = threadCount;
    this.large = new LargeOperations(words, thread, limits.large);
    this.supply = new Supply(buffers, words, limits.adaptive, threadCount);
    this.#dispatcher = new Dispatcher({
      words,
      lane: thread,
      pools: buffers,
      graceMs: limits.graceMs,
      portOf: () => undefined,
      onStuck,
    });
    const configsAt = laneOf(thread).at + CONFIGS;
    this.#ops = new Configurations(
      (message) => this.#writeDown(message),
      () => (thread << 24) | (Atomics.add(words, configsAt, 1) & 0xff_ff_ff),
    );
  }

  /**
   * Begins to use an op with params; {@link release} ends it.
   *
   * @throws MillraceError for params that are wrong or cannot be cloned
   */
  configure<P>(op: Op<P, unknown>, params: P | undefined): Configured {
    return this.#ops.configure(op, params);
  }

  /** @throws MillraceError `ERR_MILL_CLOSED`: nothing may be leased any more, as this thread is not known to the mill */
  requireOpen(): void {
    if (Atomics.load(this.#words, CLOSING) !== 0) this.#refusal ??= millClosed();
    if (this.#refusal) throw this.#refusal;
  }

  release(config: Configured): void {
    this.#ops.release(config);
  }

  submit(task: Task): void {
    if (this.#refusal) {
      refuse(task, this.#refusal);
      return;
    }
    this.#dispatcher.submit(task);
    if (this.#vacancy.take(task.terms.bulk)) this.#onVacancy();
  }

  stop(task: Task, error: unknown): void {
    this.#dispatcher.stop(task, error);
  }

  requireRoom(): void {
    if (this.#dispatcher.inFlight + this.supply.line.length < this.#limits.maxQueue) return;
    throw queueFull(this.#limits.maxQueue);
  }

  /** Takes no more tasks; resolves when those in flight have settled. */
  async drain(): Promise<void> {
    this.#refusal ??= millClosed();
    this.flows.close(this.#refusal);
    this.supply.line.close(this.#refusal);
    await this.#dispatcher.idle();
  }

  /** The mill is no more: nobody will take what is in flight. */
  abandon(error: MillraceError): void {
    this.#refusal = error;
    this.supply.line.close(error);
    this.#dispatcher.failAll(error);
    this.flows.stopAll(error);
  }

  #writeDown(message: Announcement | Withdrawal): Slice | undefined {
    if (message.type === 'drop') return undefined;
    let bytes: Buffer;
    try {
      bytes = serialize(message);
    } catch (cause) {
      throw new MillraceError(
        'ERR_PARAMS_NOT_CLONEABLE',
        `Cannot run "${message.name}" from another thread than the mill's as its params cannot be serialized: ${String(cause)}`,
        { cause },
      );
    }
    const record = this.buffers.acquire(bytes.byteLength);
    record.bytes.set(bytes);
    return record;
  }
}
