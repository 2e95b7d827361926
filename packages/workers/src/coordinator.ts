/** The coordinator: owns pools, threads and dispatch. It knows nothing of files or streams. */
import { availableParallelism } from 'node:os';
import { threadId, type MessagePort } from 'node:worker_threads';
import { BufferPools, MillraceError, type Slice } from '@millrace/core';
import { Dispatcher, workerDied, type DispatchStats } from './dispatch/dispatcher.js';
import { DISPATCH_WORDS, MILL_LANE } from './dispatch/layout.js';
import { LargeOperations } from './dispatch/large-operations.js';
import type { Limits } from './dispatch/limits.js';
import type { Task } from './dispatch/task.js';
import { Workforce } from './dispatch/workforce.js';
import { Configurations, type Configured } from './ops/configurations.js';
import type { Op } from './ops/define-op.js';
import { WORKER_COUNTERS, type Welcome, type WorkerMessage } from './threads/messages.js';
import { Threads, type WorkerThread } from './threads/threads.js';

/** How long after its last use spare memory is given back. */
const TRIM_AFTER_MS = 10_000;
/** How many announcements may wait on the port of a worker that rests. */
const ANNOUNCEMENTS_AT_REST = 512;

export interface CoordinatorOptions extends Limits {
  readonly threads: number;
  readonly memory: number;
}

export class Coordinator {
  readonly buffers: BufferPools;
  readonly threadCount: number;
  /** The cap on large operations. */
  readonly large: LargeOperations;
  readonly #words = new Int32Array(new SharedArrayBuffer(DISPATCH_WORDS * 4));
  readonly #workforce = new Workforce(this.#words);
  readonly #dispatcher: Dispatcher;
  readonly #ops: Configurations;
  readonly #threads: Threads;
  readonly #maxQueue: number;
  /** Where letters of workers come from, by worker. */
  readonly #ports = new Map<number, MessagePort>();
  #undone = 0;
  #announced = 0;
  #deaths = 0;
  #closing = false;
  #fault: { cause: unknown } | undefined;
  #onReady: (() => void) | undefined;
  #trimming: NodeJS.Timeout | undefined;

  private constructor({ threads, memory, maxQueue, graceMs, large }: CoordinatorOptions) {
    this.threadCount = threads;
    this.#maxQueue = maxQueue;
    const tell = (message: WorkerMessage): void => {
      for (const { id, port } of this.workers) {
        this.#workforce.post(id);
        port.postMessage(message);
      }
    };
    this.buffers = BufferPools.create({ memory, counters: WORKER_COUNTERS }, threadId, {
      onRenewal: (renewal) => tell({ type: 'renewal', renewal }),
    });
    LargeOperations.init(this.#words, large);
    this.large = new LargeOperations(this.#words, this.buffers.thread, large);
    this.#dispatcher = new Dispatcher({
      words: this.#words,
      lane: MILL_LANE,
      pools: this.buffers,
      graceMs,
      portOf: (worker) => this.#ports.get(worker),
      onStuck: (worker) => this.#endThread(worker),
    });
    this.#ops = new Configurations((message) => {
      tell(message);
      // Workers read their ports when they go to rest; one that rests for long would let them pile up.
      const urgent = message.type === 'drop' && message.urgent;
      if (++this.#announced % ANNOUNCEMENTS_AT_REST === 0 || urgent) {
        this.#workforce.wakeAll(this.#ports.keys());
      }
    });
    this.#threads = new Threads({
      count: threads,
      admit: (owner) => this.#admit(owner),
      onReady: ({ id, port }) => {
        this.#ports.set(id, port);
        if (this.workers.length === threads) this.#onReady?.();
      },
      onGone: (thread, cause) => this.#bury(thread, cause),
      onHopeless: (cause) => this.#giveUp(cause),
    });
  }

  /**
   * Reserves the memory, starts the threads and waits until all are ready.
   *
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE`, `ERR_WORKER_DIED`
   */
  static async start(options: CoordinatorOptions): Promise<Coordinator> {
    const coordinator = new Coordinator(options);
    await new Promise<void>((resolve) => (coordinator.#onReady = resolve));
    if (!coordinator.#fault) return coordinator;
    await coordinator.#threads.close();
    throw workerDied('Cannot start the mill', coordinator.#fault.cause);
  }

  /**
   * Begins to use an op with params; {@link release} ends it.
   *
   * @throws MillraceError for params that are wrong or cannot be cloned
   */
  configure<P>(op: Op<P, unknown>, params: P | undefined): Configured {
    return this.#ops.configure(op, params);
  }

  /** To be called when no task of this use is left and none will come. */
  release(config: Configured): void {
    this.#ops.release(config);
    this.#trimLater();
  }

  /** Offers a task to the workers. Its `done` or `failed` is called exactly once, never synchronously. */
  submit(task: Task): void {
    if (this.#closing || this.#fault) queueMicrotask(() => task.failed(this.#refusal()));
    else this.#dispatcher.submit(task);
  }

  /** Ends a task, which fails with `error`: at once, or when its op has returned or its thread is ended. */
  stop(task: Task, error: unknown): void {
    this.#dispatcher.stop(task, error);
  }

  /** @throws MillraceError `ERR_QUEUE_FULL` when as many tasks are in flight as there may be */
  requireRoom(): void {
    if (this.inFlight < this.#maxQueue) return;
    throw new MillraceError(
      'ERR_QUEUE_FULL',
      `Cannot run a task as ${this.#maxQueue} are in flight, which is "maxQueue": await mill.ready()`,
    );
  }

  /** Resolves when there is room for a task, or the mill has closed. */
  async room(): Promise<void> {
    while (this.inFlight >= this.#maxQueue && !this.#closing) {
      await this.#dispatcher.progress();
    }
  }

  /** Gives a slice back that is of no use without another, which could not be had. */
  undo(slice: Slice): void {
    this.#undone++;
    slice.release();
  }

  /** Leases that have ended, the undone ones not counted: they are no news to whoever waits for memory. */
  get freed(): number {
    const { returned, swept } = this.buffers.stats().slices;
    return returned + swept - this.#undone;
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#dispatcher.inFlight;
  }

  /** The threads at work. */
  get workers(): readonly WorkerThread[] {
    return this.#threads.all;
  }

  stats(): DispatchStats & { deaths: number } {
    return { ...this.#dispatcher.stats(), deaths: this.#deaths };
  }

  /** Lets the tasks in flight end, then ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#trimming);
    await this.#dispatcher.idle();
    this.#workforce.close(this.#ports.keys());
    await this.#threads.close();
  }

  #admit(owner: number): Welcome {
    const thread = this.buffers.registry.register(owner);
    this.#workforce.admit(thread);
    return {
      thread,
      memory: this.buffers.handle,
      dispatch: this.#words.buffer,
      ops: this.#ops.all(),
      // One core is left to the coordinator; a thread that spins must not take it from whoever has work for it.
      spinners: Math.min(this.threadCount, availableParallelism() - 1),
    };
  }

  #bury(thread: WorkerThread, cause: unknown): void {
    this.#deaths++;
    this.#workforce.bury(thread.id);
    this.#dispatcher.mourn(thread.id, cause);
    this.#ports.delete(thread.id);
    this.large.reclaim(thread.id);
    // Only now may its id be given to another.
    this.buffers.sweep(thread.id, thread.threadId);
  }

  /** Ends a thread whose task does not listen. */
  #endThread(id: number): void {
    const thread = this.workers.find((worker) => worker.id === id);
    void thread?.worker.terminate();
  }

  /** Gives memory back that nobody has used for a while. An idle mill has nothing to give, and no timer. */
  #trimLater(): void {
    this.#trimming ??= setTimeout(() => {
      this.#trimming = undefined;
      if (this.inFlight > 0) this.#trimLater();
      else this.buffers.trim();
    }, TRIM_AFTER_MS).unref();
  }

  /** No thread is left and none will come. */
  #giveUp(cause: unknown): void {
    this.#fault = { cause };
    this.#dispatcher.failAll(this.#refusal());
    this.#onReady?.();
  }

  #refusal(): MillraceError {
    return this.#closing
      ? new MillraceError('ERR_MILL_CLOSED', 'Cannot run a task as the mill is closed')
      : workerDied('Cannot run a task', this.#fault?.cause);
  }
}
