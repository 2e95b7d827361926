/** The mill as an op sees it: what the op submits goes from its own thread to whichever comes first. */
import type { BufferPools, Slice } from '@millrace/core';
import type { RunOptions } from '../dispatch/task-options.js';
import type { Op } from '../ops/define-op.js';
import type { TaskMill } from '../ops/definition.js';
import { EXEMPT, type LargeGate } from '../dispatch/large-gate.js';
import type { CommonLimits } from '../dispatch/limits.js';

/** What a thread submits by, once an op of its wants to. */
export interface Outlet {
  runUnder<P>(
    gate: LargeGate,
    op: Op<P, unknown>,
    data: Uint8Array | Slice | undefined,
    params: P | undefined,
    options: RunOptions | undefined,
  ): Promise<unknown>;
  readonly gate: LargeGate;
}

/** What is needed to make one. */
export interface OutletBasis {
  readonly words: Int32Array;
  readonly buffers: BufferPools;
  readonly threadCount: number;
  readonly limits: CommonLimits;
  /** A worker must be ended, which the mill's own thread alone can do. */
  readonly onStuck: (worker: number) => void;
  /** A task was submitted, and there could be more threads, which the mill's own thread alone can start. */
  readonly onVacancy: () => void;
}

export interface OutletSource {
  open(): Promise<Outlet>;
  /** The thread's event loop must turn from now on, until {@link release}. */
  hold(): void;
  release(): void;
}

export class TaskSubmitter implements TaskMill {
  readonly #source: OutletSource;
  readonly #exempt: boolean;

  /** @param exempt whether the task's own operation holds a permit for large ones */
  constructor(source: OutletSource, exempt: boolean) {
    this.#source = source;
    this.#exempt = exempt;
  }

  async run<P, R>(
    op: Op<P, R>,
    data?: Uint8Array | Slice,
    params?: NoInfer<P>,
    options?: RunOptions,
  ): Promise<R> {
    this.#source.hold();
    try {
      const outlet = await this.#source.open();
      const gate = this.#exempt ? EXEMPT : outlet.gate;
      return (await outlet.runUnder(gate, op, data, params, options)) as R;
    } finally {
      this.#source.release();
    }
  }
}
