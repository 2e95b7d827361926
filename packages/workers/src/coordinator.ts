/**
 * The coordinator: owns pools, threads and dispatch. It knows nothing of files or streams.
 *
 * submit ──▶ cell ──▶ a worker ──▶ finished list ──▶ reap ──▶ the task's done or failed
 */
import { availableParallelism } from 'node:os';
import { receiveMessageOnPort, threadId } from 'node:worker_threads';
import { BufferPools, MillraceError } from '@millrace/core';
import { Cells } from './dispatch/cells.js';
import { BY_MESSAGE, DISPATCH_WORDS, FAILED } from './dispatch/layout.js';
import { Reaper } from './dispatch/reaper.js';
import type { Task } from './dispatch/task.js';
import { TaskTable } from './dispatch/task-table.js';
import { WakeUp } from './dispatch/wake-up.js';
import { Configurations, type Configured } from './ops/configurations.js';
import type { Op } from './ops/define-op.js';
import { WORKER_COUNTERS, type Letter, type Welcome } from './threads/messages.js';
import { Threads, type WorkerThread } from './threads/threads.js';

/** A task whose thread dies is given to another this often before it fails: the task may be what kills them. */
const MOST_DEATHS = 3;

export interface CoordinatorOptions {
  readonly threads: number;
  readonly memory: number;
}

interface Tally {
  submitted: number;
  completed: number;
  failed: number;
  /** Tasks given to another thread because theirs died. */
  rerun: number;
  /** Threads that died. */
  deaths: number;
}

export class Coordinator {
  readonly buffers: BufferPools;
  readonly threadCount: number;
  readonly #words = new Int32Array(new SharedArrayBuffer(DISPATCH_WORDS * 4));
  readonly #cells = new Cells(this.#words);
  readonly #table = new TaskTable(this.#words);
  readonly #wakeUp = new WakeUp(this.#words);
  readonly #ops: Configurations;
  readonly #threads: Threads;
  readonly #reaper: Reaper;
  /** How far each worker's list of finished cells has been reaped, by thread id. */
  readonly #reaped: number[] = [];
  #workers: readonly WorkerThread[] = [];
  /** Results and errors that came by message, by cell. */
  readonly #letters = new Map<number, Letter>();
  /** Finished cells whose letter is not readable yet. */
  #awaitingLetter: { cell: number; from: WorkerThread }[] = [];
  /** Tasks for which no cell was free, oldest at `#backlogHead`. */
  #backlog: Task[] = [];
  #backlogHead = 0;
  #woke = false;
  #closing = false;
  #fault: unknown;
  #onReady: (() => void) | undefined;
  #onIdle: (() => void) | undefined;
  readonly #tally: Tally = { submitted: 0, completed: 0, failed: 0, rerun: 0, deaths: 0 };

  private constructor({ threads, memory }: CoordinatorOptions) {
    this.threadCount = threads;
    this.buffers = BufferPools.create({ memory, counters: WORKER_COUNTERS }, threadId);
    this.#reaper = new Reaper(this.#wakeUp, () => this.#reap());
    this.#ops = new Configurations((message) => {
      for (const { port } of this.#workers) port.postMessage(message);
    });
    this.#threads = new Threads({
      count: threads,
      admit: (owner) => this.#admit(owner),
      onReady: () => {
        this.#workers = this.#threads.all;
        if (this.#workers.length === threads) this.#onReady?.();
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
    if (coordinator.#fault !== undefined) {
      await coordinator.#threads.close();
      throw coordinator.#died('Cannot start the worker threads', coordinator.#fault);
    }
    return coordinator;
  }

  /** @throws MillraceError for params that are wrong or cannot be cloned */
  configure<P>(op: Op<P, unknown>, params: P | undefined): Configured {
    return this.#ops.configure(op, params);
  }

  /** To be called when no task of a configuration is left and none will come. */
  drop(config: Configured): void {
    this.#ops.drop(config);
  }

  /** Offers a task to the workers. Its `done` or `failed` is called exactly once, never synchronously. */
  submit(task: Task): void {
    if (this.#closing || this.#fault !== undefined) {
      queueMicrotask(() => task.failed(this.#refusal()));
      return;
    }
    this.#tally.submitted++;
    if (!this.#offer(task)) this.#backlog.push(task);
    this.#reaper.start();
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#cells.used + this.#backlog.length - this.#backlogHead;
  }

  /** The threads at work, for tests that end them. */
  get workers(): readonly WorkerThread[] {
    return this.#workers;
  }

  stats(): Tally & { threads: { id: number; threadId: number }[] } {
    const threads = this.#workers.map(({ id, threadId: node }) => ({ id, threadId: node }));
    return { ...this.#tally, threads };
  }

  /** Lets the tasks in flight end, then ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.inFlight > 0 && this.#fault === undefined) {
      await new Promise<void>((resolve) => (this.#onIdle = resolve));
    }
    this.#wakeUp.close(this.#workers.map(({ id }) => id));
    await this.#threads.close();
  }

  #offer(task: Task): boolean {
    const cell = this.#cells.fill(task);
    if (cell < 0) return false;
    this.#table.publish(cell);
    this.#wakeOnce();
    return true;
  }

  /** One notify a batch: the first task of a turn wakes a worker, which wakes the next if it leaves tasks behind. */
  #wakeOnce(): void {
    if (this.#woke) return;
    this.#woke = true;
    this.#wakeUp.wakeOne();
    queueMicrotask(() => {
      this.#woke = false;
      // For tasks published since, had the one that was woken found the queue empty and parked again.
      if (this.#table.waiting) this.#wakeUp.wakeOne();
    });
  }

  /** Settles what the workers have finished; says how many tasks that were, and whether more are in flight. */
  #reap(): { reaped: number; inFlight: number } {
    let reaped = 0;
    for (const worker of this.#workers) reaped += this.#reapFrom(worker);
    if (this.#awaitingLetter.length > 0) {
      for (const { cell, from } of this.#awaitingLetter.splice(0)) {
        if (this.#settle(cell, from)) reaped++;
      }
    }
    if (reaped > 0) this.#refill();
    return { reaped, inFlight: this.inFlight };
  }

  #reapFrom(worker: WorkerThread): number {
    const { id } = worker;
    const tail = this.#table.doneTail(id);
    let reaped = 0;
    for (let head = this.#reaped[id] ?? 0; head !== tail; head = (head + 1) | 0) {
      this.#reaped[id] = (head + 1) | 0;
      if (this.#settle(this.#table.doneCell(id, head), worker)) reaped++;
    }
    return reaped;
  }

  /** Ends the task of a finished cell; false when its letter is yet to come. */
  #settle(cell: number, from: WorkerThread): boolean {
    const kind = this.#cells.resultKind(cell);
    let letter: Letter | undefined;
    if (kind === BY_MESSAGE || kind === FAILED) {
      letter = this.#letterOf(cell, from);
      if (!letter) {
        this.#awaitingLetter.push({ cell, from });
        return false;
      }
    }
    const outcome = this.#cells.outcome(cell, letter?.value);
    this.#table.free(cell);
    const task = this.#cells.empty(cell);
    if (letter?.error) {
      this.#fail(task, errorOf(task, letter.error));
    } else {
      this.#tally.completed++;
      task.done(outcome);
    }
    return true;
  }

  #letterOf(cell: number, from: WorkerThread): Letter | undefined {
    for (;;) {
      const letter = this.#letters.get(cell);
      if (letter) {
        this.#letters.delete(cell);
        return letter;
      }
      const received = receiveMessageOnPort(from.port);
      if (!received) return undefined;
      const message = received.message as Letter;
      this.#letters.set(message.cell, message);
    }
  }

  #fail(task: Task, error: unknown): void {
    this.#tally.failed++;
    task.failed(error);
  }

  /** Gives freed cells to tasks that wait for one; tells a closing mill when nothing is left. */
  #refill(): void {
    while (this.#backlogHead < this.#backlog.length) {
      if (!this.#offer(this.#backlog[this.#backlogHead]!)) break;
      this.#backlogHead++;
    }
    if (this.#backlogHead === this.#backlog.length && this.#backlogHead > 0) {
      this.#backlog = [];
      this.#backlogHead = 0;
    }
    if (this.inFlight === 0) this.#onIdle?.();
  }

  #admit(owner: number): Welcome {
    const thread = this.buffers.registry.register(owner);
    this.#wakeUp.admit(thread);
    return {
      thread,
      memory: this.buffers.handle,
      dispatch: this.#words.buffer,
      ops: this.#ops.all(),
      // One core is left to the coordinator; a thread that spins must not take it from whoever has work for it.
      spinners: Math.min(this.threadCount, availableParallelism() - 1),
      countersAt: this.buffers.counter(0),
    };
  }

  /** A thread is dead for certain: what it had finished counts, what it was at runs again or fails. */
  #bury(thread: WorkerThread, cause: unknown): void {
    this.#workers = this.#threads.all;
    this.#tally.deaths++;
    this.#reapFrom(thread);
    this.#awaitingLetter = this.#awaitingLetter.filter(({ from }) => from !== thread);
    for (const { cell, done } of this.#table.heldBy(thread.id)) {
      if (done && this.#settle(cell, thread)) continue;
      this.#letters.delete(cell);
      this.#rescue(cell, cause);
    }
    this.#awaitingLetter = this.#awaitingLetter.filter(({ from }) => from !== thread);
    this.#wakeUp.forget(thread.id);
    this.buffers.sweep(thread.id);
    this.#refill();
    this.#reaper.nudge();
  }

  #rescue(cell: number, cause: unknown): void {
    const task = this.#cells.task(cell);
    if (task.idempotent && ++task.deaths < MOST_DEATHS && this.#fault === undefined) {
      this.#tally.rerun++;
      this.#table.publish(cell);
      this.#wakeUp.wakeOne();
      return;
    }
    this.#table.free(cell);
    this.#fail(this.#cells.empty(cell), this.#died(`Op "${task.config.name}" did not end`, cause));
  }

  /** No thread is left and none will come: everything in flight fails. */
  #giveUp(cause: unknown): void {
    this.#fault = cause;
    const error = this.#died('No worker thread is left', cause);
    for (const cell of this.#cells.all()) {
      this.#table.free(cell);
      this.#fail(this.#cells.empty(cell), error);
    }
    for (const task of this.#backlog.splice(this.#backlogHead)) this.#fail(task, error);
    this.#backlog = [];
    this.#backlogHead = 0;
    this.#onReady?.();
    this.#onIdle?.();
    this.#reaper.nudge();
  }

  #refusal(): MillraceError {
    return this.#closing
      ? new MillraceError('ERR_MILL_CLOSED', 'Cannot run a task as the mill is closed')
      : this.#died('No worker thread is left', this.#fault);
  }

  #died(what: string, cause: unknown): MillraceError {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new MillraceError('ERR_WORKER_DIED', `${what} as its worker thread died${reason}`, {
      cause,
    });
  }
}

/** What the caller sees of an error in an op: the thrown thing as `cause`, with its code if it had one. */
function errorOf(
  task: Task,
  { cause, message, code }: NonNullable<Letter['error']>,
): MillraceError {
  if (cause instanceof Error && code !== undefined) Object.assign(cause, { code });
  if (code === 'ERR_OP_LOAD' || code === 'ERR_OP_OUTPUT')
    return new MillraceError(code, message, { cause });
  return new MillraceError('ERR_OP_FAILED', `Op "${task.config.name}" failed: ${message}`, {
    cause,
  });
}
