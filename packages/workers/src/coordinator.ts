/** The coordinator: owns pools, threads and dispatch. It knows nothing of files or streams. */
import { availableParallelism } from 'node:os';
import { threadId } from 'node:worker_threads';
import {
  BufferPools,
  MemoryManager,
  type ArenaRenewal,
  type MemoryManagerConfig,
  type MillraceError,
  type ThreadId,
} from '@millrace/core';
import { Branches, type MillHandle } from './branches.js';
import { Dispatcher, type DispatchStats } from './dispatch/dispatcher.js';
import { DISPATCH_WORDS, MILL_LANE } from './dispatch/layout.js';
import { buryLane } from './dispatch/lane-burial.js';
import { LargeOperations } from './dispatch/large-operations.js';
import type { CommonLimits, Limits } from './dispatch/limits.js';
import { millClosed, queueFull, refuse } from './dispatch/refusals.js';
import type { Task } from './dispatch/task.js';
import { Workforce } from './dispatch/workforce.js';
import { OpenFlows } from './open-flows.js';
import { Configurations, type Configured } from './ops/configurations.js';
import type { Op } from './ops/define-op.js';
import type { OpAddress } from './ops/warmth.js';
import { MemoryWatch } from './pressure/memory-watch.js';
import { memoryProbes } from './pressure/probes.js';
import type { Submitter } from './submitter.js';
import { checkedAdaptive, type AdaptiveOptions } from './supply/settings.js';
import { Supply, tellPressure } from './supply/supply.js';
import { Crew, type CrewStats } from './threads/crew.js';
import { statOfThisThread } from './threads/giving-way.js';
import { holding } from './threads/holding.js';
import { TASKS_ENDED, WORKER_COUNTERS, type Renewal, type Welcome } from './threads/messages.js';
import type { MillMonitor } from './threads/mill-monitor.js';
import type { ThreadSettings } from './threads/settings.js';
import type { WorkerThread } from './threads/thread.js';

export interface CoordinatorOptions extends ThreadSettings, Limits {
  readonly memory: number;
  readonly memoryManager: MemoryManagerConfig | undefined;
  readonly adaptive: AdaptiveOptions | undefined;
  readonly monitor: MillMonitor | undefined;
}

export interface CoordinatorStats extends DispatchStats, CrewStats {
  health: 'ok' | 'unhealthy';
}

export class Coordinator implements Submitter {
  readonly crew: Crew;
  readonly buffers: BufferPools;
  readonly memory: MemoryManager;
  /** The most threads there can be. */
  readonly threadCount: number;
  /** The cap on large operations. */
  readonly large: LargeOperations;
  readonly supply: Supply;
  readonly flows = new OpenFlows();
  readonly #settings: CoordinatorOptions;
  readonly #limits: CommonLimits;
  readonly #words = new Int32Array(new SharedArrayBuffer(DISPATCH_WORDS * 4));
  readonly #workforce = new Workforce(this.#words);
  readonly #dispatcher: Dispatcher;
  readonly #ops: Configurations;
  readonly #branches: Branches;
  readonly #memoryWatch: MemoryWatch;
  readonly #stat = statOfThisThread();
  #configs = 0;
  /** Why nothing is taken in any more. */
  #refusal: MillraceError | undefined;
  #stopped: Promise<void> | undefined;
  /** Threads that are gone while all are being ended. */
  readonly #gone: { thread: WorkerThread; cause: unknown }[] = [];

  private constructor(options: CoordinatorOptions) {
    this.#settings = options;
    this.threadCount = options.threads;
    const { memory, maxQueue, graceMs, large } = options;
    this.crew = new Crew(options, this.#workforce, {
      welcome: (owner, express) => this.#welcome(owner, express),
      onGone: (thread, cause) => this.#bury(thread, cause),
      onUnhealthy: (complaint) => void this.#stop(complaint),
      signsOfLife: () => this.#signsOfLife(),
    });
    // They take a while to start: what they will need is made meanwhile.
    this.crew.start(options.minThreads);
    try {
      this.buffers = BufferPools.create({ memory, counters: WORKER_COUNTERS }, threadId, {
        onRenewal: (renewal) => this.#renew(renewal),
      });
      this.memory = new MemoryManager(this.buffers, options.memoryManager, memoryProbes());
      const adaptive = checkedAdaptive(options.adaptive ?? {}, large, this.buffers);
      this.#limits = { maxQueue, graceMs, large, adaptive };
      // What cannot be posted to a thread is told now.
      structuredClone(options.monitor?.handle);
      options.monitor?.follow(this.buffers);
    } catch (error) {
      void this.crew.endAll();
      throw error;
    }
    this.supply = new Supply(this.buffers, this.#words, this.#limits.adaptive, options.threads);
    this.memory.onPressure(({ pressure }) => tellPressure(this.#words, pressure));
    this.#memoryWatch = new MemoryWatch(this.memory, () => this.inFlight > 0);
    LargeOperations.init(this.#words, large);
    this.large = new LargeOperations(this.#words, this.buffers.thread, large);
    this.#dispatcher = new Dispatcher({
      words: this.#words,
      lane: MILL_LANE,
      pools: this.buffers,
      graceMs,
      portOf: (worker) => this.crew.portOf(worker),
      onStuck: (worker) => this.crew.end(worker),
    });
    this.#ops = new Configurations(
      (message) => this.crew.announce(message),
      () => ++this.#configs,
    );
    this.#branches = new Branches({
      dispatch: this.#words.buffer,
      buffers: this.buffers,
      threadCount: options.threads,
      limits: this.#limits,
      onStuck: (worker) => this.crew.end(worker),
      onVacancy: () => this.crew.answer(),
      onGone: (thread, owner) => void this.#buryLane(thread, owner),
    });
  }

  /**
   * Starts the threads, reserves the memory and waits until the first thread has said hello.
   *
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE`, `ERR_MILL_UNHEALTHY`
   */
  static async start(options: CoordinatorOptions): Promise<Coordinator> {
    const coordinator = new Coordinator(options);
    if (options.minThreads > 0) {
      await holding(coordinator.crew.changed());
    }
    coordinator.#memoryWatch.prepare();
    if (!coordinator.#refusal) return coordinator;
    await coordinator.#stopped;
    throw coordinator.#refusal;
  }

  /**
   * Has every thread import the modules of ops, those that start later too.
   *
   * @throws MillraceError `ERR_OP_LOAD`
   */
  async warmUp(ops: readonly OpAddress[]): Promise<void> {
    if (this.#refusal) throw this.#refusal;
    await this.crew.warmUp(ops);
    // All are gone, and none has said a word.
    if (this.#stopped) throw this.#refusal;
  }

  /**
   * Begins to use an op with params; {@link release} ends it.
   *
   * @throws MillraceError for params that are wrong or cannot be cloned
   */
  configure<P>(op: Op<P, unknown>, params: P | undefined): Configured {
    const configured = this.#ops.configure(op, params);
    this.#memoryWatch.used();
    return configured;
  }

  /** To be called when no task of this use is left and none will come. */
  release(config: Configured): void {
    this.#ops.release(config);
    this.#memoryWatch.used();
  }

  /** Offers a task to the workers. Its `done` or `failed` is called exactly once, never synchronously. */
  submit(task: Task): void {
    if (this.#refusal) {
      refuse(task, this.#refusal);
      return;
    }
    this.#dispatcher.submit(task);
    this.crew.serve(task.terms.bulk);
  }

  /** Ends a task that was submitted: it fails with `error`, at once, or when its op has returned or its thread is ended. */
  stop(task: Task, error: unknown): void {
    this.#dispatcher.stop(task, error);
  }

  /** @throws MillraceError `ERR_QUEUE_FULL` when as many tasks are in flight, or wait for memory, as there may be */
  requireRoom(): void {
    const { maxQueue } = this.#settings;
    if (this.#engaged < maxQueue) return;
    throw queueFull(maxQueue);
  }

  /** Resolves when there is room for a task, or the mill has closed. */
  async room(): Promise<void> {
    while (this.#engaged >= this.#settings.maxQueue && !this.#refusal) {
      const { line } = this.supply;
      await (line.length > 0
        ? Promise.race([this.#dispatcher.progress(), line.moved()])
        : this.#dispatcher.progress());
    }
  }

  /** Tasks that are in flight or wait for memory. */
  get #engaged(): number {
    return this.inFlight + this.supply.line.length;
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#dispatcher.inFlight;
  }

  /**
   * Resolves when there is a thread, and all are there that are to be from the start.
   *
   * @throws MillraceError when there will be none: `ERR_MILL_CLOSED`, `ERR_MILL_UNHEALTHY`
   */
  async hosted(): Promise<void> {
    while ((this.crew.hosts.length === 0 || this.crew.incomplete) && !this.#refusal) {
      this.crew.complete();
      this.crew.growSoon();
      await this.crew.changed();
    }
    if (this.#refusal) throw this.#refusal;
  }

  stats(): CoordinatorStats {
    const health = this.#refusal?.code === 'ERR_MILL_UNHEALTHY' ? 'unhealthy' : 'ok';
    return { ...this.#dispatcher.stats(), ...this.crew.stats(), health };
  }

  /** For another thread, to submit tasks of its own. @throws MillraceError `ERR_MILL_CLOSED`, `ERR_TOO_MANY_THREADS` */
  invite(): MillHandle {
    if (this.#refusal) throw this.#refusal;
    return this.#branches.invite();
  }

  /** Lets the tasks in flight end, or fails them, then ends the threads. */
  async close(drain: boolean): Promise<void> {
    this.#refusal ??= millClosed();
    this.flows.close(this.#refusal);
    this.supply.line.close(this.#refusal);
    this.#memoryWatch.stop();
    const movedOut = this.crew.tenants?.moveOut(drain && !this.#stopped);
    if (!drain || this.#stopped) return this.#stop(this.#refusal);
    await Promise.all([this.#dispatcher.idle(), this.#branches.drain(), movedOut]);
    await this.crew.leave();
  }

  /** Ends all threads, then fails what is in flight: only then does nobody write to its slices any more. */
  #stop(refusal: MillraceError): Promise<void> {
    this.#stopped ??= (async () => {
      this.#refusal = refusal;
      this.supply.line.close(refusal);
      await this.crew.endAll();
      this.#branches.dismiss(refusal);
      this.#dispatcher.failAll(refusal);
      for (const { thread, cause } of this.#gone) this.#clearUp(thread, cause);
      this.flows.stopAll(refusal);
    })();
    return this.#stopped;
  }

  #renew(renewal: ArenaRenewal): void {
    const message: Renewal = { type: 'renewal', renewal };
    this.crew.renew(message);
    this.#branches.tell(message);
  }

  #welcome(owner: number, express: boolean): Welcome {
    const thread = this.buffers.registry.register(owner);
    return {
      thread,
      memory: this.buffers.handle,
      monitor: this.#settings.monitor?.handle,
      dispatch: this.#words.buffer,
      ops: this.#ops.all(),
      threads: this.threadCount,
      limits: this.#limits,
      millStat: this.#stat,
      // One core is left to the coordinator; a thread that spins must not take it from whoever has work for it.
      spinners: express ? 0 : Math.min(this.threadCount, availableParallelism() - 1),
      afterTasks: this.#settings.recycle.afterTasks,
      tellHeap: this.#settings.recycle.overBytes < Infinity,
      warmth: this.crew.warmth,
    };
  }

  #bury(thread: WorkerThread, cause: unknown): void {
    if (this.#stopped) this.#gone.push({ thread, cause });
    else this.#clearUp(thread, cause);
  }

  #clearUp(thread: WorkerThread, cause: unknown): void {
    this.crew.bury(thread, cause);
    this.#dispatcher.mourn(thread.id, cause);
    this.crew.forget(thread);
    void this.#buryLane(thread.id, thread.threadId);
  }

  /** What a dead thread had submitted ends first, since it may use slices that the thread held. */
  async #buryLane(thread: ThreadId, owner: number): Promise<void> {
    this.large.reclaim(thread);
    if (this.#workforce.hasLane(thread)) {
      await buryLane({
        words: this.#words,
        lane: thread,
        pools: this.buffers,
        graceMs: this.#settings.graceMs,
        onStuck: (worker) => this.crew.end(worker),
      });
    }
    // Only now may its id be given to another.
    this.buffers.sweep(thread, owner);
    // It may have been on its way out, and the only one, when tasks came; or about to tell of some.
    this.crew.lookForTasks();
  }

  #signsOfLife(): number {
    return this.buffers.counters.sum(TASKS_ENDED) + (this.crew.tenants?.opened ?? 0);
  }
}
