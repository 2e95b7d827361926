/** A mill as another thread sees it: the face of a branch. */
import { receiveMessageOnPort } from 'node:worker_threads';
import { BufferPools, MillraceError, type Slice } from '@millrace/core';
import { Branch } from './branch.js';
import { millClosed } from './dispatch/refusals.js';
import type { BranchNews, BranchReply, MillHandle } from './branches.js';
import type { RunOptions } from './dispatch/task-options.js';
import { run } from './flow/run.js';
import type { Configured } from './ops/configurations.js';
import type { InPlaceOp, Op } from './ops/define-op.js';
import type { LargeGate } from './dispatch/large-gate.js';
import { LettingGo } from './threads/letting-go.js';
import type { OutletBasis } from './threads/task-mill.js';

export class MillBranch implements AsyncDisposable {
  readonly #branch: Branch;
  readonly #leave: () => void;

  /** Use {@link attachMill}, or `context.mill` in an op. */
  constructor(basis: OutletBasis, leave: () => void = () => {}) {
    this.#branch = new Branch(basis);
    this.#leave = leave;
  }

  /** The mill's memory as this thread sees it. */
  get buffers(): BufferPools {
    return this.#branch.buffers;
  }

  /** As `Mill.run`, but for ops that generate: the task goes from this thread to a worker, and its result back. */
  run<P>(op: InPlaceOp<P>, data: Slice, params?: NoInfer<P>, options?: RunOptions): Promise<Slice>;
  run<P>(
    op: InPlaceOp<P>,
    data?: Uint8Array,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<Uint8Array>;
  run<P, R>(
    op: Op<P, R>,
    data?: Uint8Array | Slice,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<R>;
  run<P>(
    op: Op<P, unknown>,
    data?: Uint8Array | Slice,
    params?: P,
    options?: RunOptions,
  ): Promise<unknown> {
    return this.runUnder(this.#branch.large, op, data, params, options);
  }

  /** The cap on large operations. */
  get gate(): LargeGate {
    return this.#branch.large;
  }

  /** As {@link run}, under another cap on large operations. */
  runUnder<P>(
    gate: LargeGate,
    op: Op<P, unknown>,
    data: Uint8Array | Slice | undefined,
    params: P | undefined,
    options: RunOptions | undefined,
  ): Promise<unknown> {
    let config: Configured;
    try {
      this.#branch.requireOpen();
      if (op.kind === 'generator') throw cannotGenerate(op.name);
      config = this.#branch.configure(op, params);
    } catch (error) {
      return Promise.reject(error);
    }
    return run(this.#branch, config, data, options, gate);
  }

  /** Takes no more tasks, waits for those in flight, and lets go of the mill; that itself goes on. */
  async close(): Promise<void> {
    await this.#branch.drain();
    this.#leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The mill is no more. */
  abandon(error: MillraceError): void {
    this.#branch.abandon(error);
  }
}

function cannotGenerate(name: string): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot run "${name}" from another thread than the mill's as it generates any number of outputs`,
  );
}

/**
 * Attaches another thread's mill to this one, by a handle that was made for it: see `Mill.handle`.
 *
 * @throws MillraceError `ERR_BAD_HANDLE`
 */
export function attachMill(handle: MillHandle): MillBranch {
  const { port, memory, dispatch, thread, threadCount, limits } = handle;
  const lettingGo = new LettingGo();
  const takeIn = (news: BranchNews): void => {
    if (news.type === 'renewal') {
      buffers.takeRenewal(news.renewal);
      lettingGo.begin();
    } else if (news.type === 'closing') void mill.close();
    else mill.abandon(new MillraceError(news.code, news.message));
  };
  const buffers = BufferPools.attach(memory, thread, {
    onUnknownArena() {
      for (;;) {
        const received = receiveMessageOnPort(port);
        if (!received) return;
        takeIn(received.message as BranchNews);
      }
    },
  });
  const words = new Int32Array(dispatch);
  const onStuck = (worker: number): void => {
    port.postMessage({ type: 'stuck', worker } satisfies BranchReply);
  };
  const onVacancy = (): void => port.postMessage({ type: 'vacancy' } satisfies BranchReply);
  const basis = { words, buffers, threadCount, limits, onStuck, onVacancy };
  const mill = new MillBranch(basis, () => port.close());
  port.on('message', takeIn);
  port.on('close', () => mill.abandon(millClosed()));
  port.postMessage({ type: 'attached' } satisfies BranchReply);
  // What is in flight keeps the process alive, not the port.
  port.unref();
  return mill;
}
