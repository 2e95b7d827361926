/**
 * The dispatcher: a submitter's side of dispatch, the owner of one lane.
 *
 * submit ──▶ cell, or backlog ──▶ a worker ──▶ its finished list ──▶ reap ──▶ the task's done or failed
 *   stop ──▶ taken back, or told to end ──after a grace──▶ its thread is ended
 */
import type { MessagePort } from 'node:worker_threads';
import { MillraceError, type BufferPools } from '@millrace/core';
import { MAX_THREADS } from '@millrace/core/internal';
import { Cells } from './cells.js';
import { manyWorkers } from './claims.js';
import { errorOf, tooLong, workerDied } from './failures.js';
import { BY_LETTER, FAILED, LEFT, ORPHANED, RUNNING, SPAN, WORKERS, laneOf } from './layout.js';
import { LaneSignal } from './lane-signal.js';
import { LetterReader, type Letter, type LetterError } from './letters.js';
import { Offers } from './offers.js';
import { Reaper, type Reaped } from './reaper.js';
import { ELSEWHERE, IN_NO_CELL, troubleOf, type Task } from './task.js';
import { TaskTable } from './task-table.js';
import { WakeUp } from './wake-up.js';

/** A task whose thread dies is given to another this often before it fails: the task may be what kills them. */
const MOST_DEATHS = 3;

export interface DispatcherOptions {
  readonly words: Int32Array;
  readonly lane: number;
  readonly pools: BufferPools;
  /** How long a task that is to end may go on before its thread is ended. */
  readonly graceMs: number;
  /** Where a worker's letters come from, if there is a port to it. */
  readonly portOf: (worker: number) => MessagePort | undefined;
  /** A worker that must be ended: its task does not listen. */
  readonly onStuck: (worker: number) => void;
}

export interface DispatchStats {
  submitted: number;
  completed: number;
  failed: number;
  /** Tasks given to another thread because theirs died. */
  rerun: number;
  /** Tasks that were tried again since they had failed. */
  retried: number;
}

export class Dispatcher {
  readonly #words: Int32Array;
  readonly #options: DispatcherOptions;
  readonly #table: TaskTable;
  readonly #wakeUp: WakeUp;
  readonly #cells: Cells;
  readonly #signal: LaneSignal;
  readonly #offers: Offers;
  readonly #letters: LetterReader;
  readonly #reaper: Reaper;
  /** How far each worker's list of finished cells has been reaped, by thread id. */
  readonly #reaped: number[] = [];
  /** Finished cells whose letter is not readable yet. */
  #awaitingLetter: { cell: number; worker: number }[] = [];
  /** Tasks that wait to be tried again. */
  readonly #postponed = new Set<Task>();
  #orphans: number;
  /** What ended workers, where it is known. */
  readonly #causes: unknown[] = [];
  #onIdle: (() => void)[] = [];
  #onProgress: (() => void)[] = [];
  readonly #stats: DispatchStats = {
    submitted: 0,
    completed: 0,
    failed: 0,
    rerun: 0,
    retried: 0,
  };

  constructor(options: DispatcherOptions) {
    const { words, lane, pools, portOf } = options;
    this.#words = words;
    this.#options = options;
    const layout = laneOf(lane);
    this.#table = new TaskTable(words, layout);
    this.#wakeUp = new WakeUp(words);
    this.#cells = new Cells(this.#table);
    this.#offers = new Offers(this.#table, this.#cells, this.#wakeUp, () => this.#reaper.sent());
    this.#signal = new LaneSignal(words, layout);
    this.#letters = new LetterReader(words, pools, portOf);
    this.#reaper = new Reaper(this.#signal, () => this.#reap());
    this.#orphans = this.#signal.orphans;
    // A former owner of the lane may have left its lists and its rings at any position. Of a worker that there never was
    // there is none: each lies in a page of its own, and to touch them all takes a millisecond as a mill starts.
    const known = Atomics.load(words, SPAN) * 32;
    for (let worker = 0; worker < MAX_THREADS; worker++) {
      this.#reaped[worker] = worker < known ? this.#table.doneTail(worker) : 0;
    }
    this.#wakeUp.openLane(lane);
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#cells.used + this.#offers.backlog + this.#postponed.size;
  }

  stats(): DispatchStats {
    return { ...this.#stats };
  }

  /** Offers a task to the workers. Its `done` or `failed` is called once, and never synchronously. */
  submit(task: Task): void {
    this.#stats.submitted++;
    task.cell = IN_NO_CELL;
    this.#offers.add(task);
    if (task.terms.timeoutMs > 0) this.#watch(task, task.terms.timeoutMs);
    this.#reaper.start();
  }

  /**
   * Ends a task that was submitted and has not settled: it fails with `error`, at once when no worker has begun it,
   * else when its op has returned, or its thread is ended.
   */
  stop(task: Task, error: unknown): void {
    if (task.cell === ELSEWHERE) return;
    const trouble = troubleOf(task);
    if (trouble.stopped) return;
    trouble.stopped = { error };
    clearTimeout(trouble.timer);
    if (this.#postponed.delete(task)) {
      task.cell = ELSEWHERE;
    } else if (task.cell === IN_NO_CELL) {
      this.#offers.forget(task);
    } else if (this.#table.withdraw(task.cell)) {
      this.#cells.empty(task.cell);
      task.cell = ELSEWHERE;
    } else {
      this.#stopRunning(task);
      return;
    }
    queueMicrotask(() => {
      this.#fail(task, error);
      this.#refill();
      this.#reaper.nudge();
    });
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Resolves when something has settled. */
  progress(): Promise<void> {
    return new Promise((resolve) => this.#onProgress.push(resolve));
  }

  /**
   * Takes in that `worker` is dead for certain, and that what it left behind is marked: what it had
   * finished counts, what it was at runs again or fails.
   */
  mourn(worker: number, cause: unknown): void {
    this.#causes[worker] = cause;
    this.#takeInDeaths();
    this.#refill();
    this.#reaper.nudge();
  }

  /** No worker will take anything any more: what they had finished counts, all else in flight fails. */
  failAll(error: unknown): void {
    this.#reap();
    this.#awaitingLetter = [];
    const tasks = [...this.#postponed, ...this.#cells.all().map((cell) => this.#free(cell))];
    this.#postponed.clear();
    tasks.push(...this.#offers.withdrawAll());
    // Whoever hears of the first may stop the others.
    for (const task of tasks) task.cell = ELSEWHERE;
    for (const task of tasks) {
      try {
        this.#end(task, error);
      } catch (fault) {
        // The mill may have swept the slices of a thread that it has let go.
        if (!(fault instanceof MillraceError && fault.code === 'ERR_SLICE_STALE')) throw fault;
      }
    }
    this.#refill();
    this.#reaper.nudge();
  }

  /** Settles what the workers have finished. */
  #reap(): Reaped {
    this.#offers.looks();
    let reaped = 0;
    const span = Atomics.load(this.#words, SPAN);
    for (let w = 0; w < span; w++) {
      let bits = Atomics.load(this.#words, WORKERS + w);
      for (; bits !== 0; bits &= bits - 1) {
        reaped += this.#reapFrom(w * 32 + 31 - Math.clz32(bits & -bits));
      }
    }
    if (this.#awaitingLetter.length > 0) {
      for (const { cell, worker } of this.#awaitingLetter.splice(0)) {
        if (this.#table.isDoneBy(cell, worker) && this.#settle(cell, worker)) reaped++;
      }
    }
    if (this.#signal.orphans !== this.#orphans) reaped += this.#takeInDeaths();
    if (reaped > 0) this.#refill(reaped);
    return { reaped, inFlight: this.inFlight, unread: this.#awaitingLetter.length };
  }

  #reapFrom(worker: number): number {
    const tail = this.#table.doneTail(worker);
    let reaped = 0;
    for (let head = this.#reaped[worker]!; head !== tail; head = (head + 1) | 0) {
      this.#reaped[worker] = (head + 1) | 0;
      const cell = this.#table.doneCell(worker, head);
      // A worker may be slow to enter what a former owner of the lane never saw, and which was cleared away since.
      if (this.#table.isDoneBy(cell, worker) && this.#settle(cell, worker)) reaped++;
    }
    return reaped;
  }

  /** Workers have died: settles what they had finished, rescues what they were at. */
  #takeInDeaths(): number {
    this.#orphans = this.#signal.orphans;
    let settled = 0;
    for (let worker = 1; worker < this.#reaped.length; worker++) settled += this.#reapFrom(worker);
    for (const cell of this.#cells.all()) {
      const { state, worker } = this.#table.look(cell);
      if (state === LEFT && this.#settle(cell, worker)) settled++;
      else if (state === LEFT || state === ORPHANED) {
        this.#awaitingLetter = this.#awaitingLetter.filter((letter) => letter.cell !== cell);
        this.#rescue(cell, worker);
        settled++;
      }
    }
    this.#offers.letTheLastHaveAll();
    return settled;
  }

  /** Ends the task of a finished cell; false when its letter is yet to come. */
  #settle(cell: number, worker: number): boolean {
    const kind = this.#cells.resultKind(cell);
    let letter: Letter | undefined;
    if (kind === BY_LETTER || kind === FAILED) {
      letter = this.#letters.take(this.#table.at(cell), worker);
      if (!letter) {
        this.#awaitingLetter.push({ cell, worker });
        return false;
      }
    }
    const outcome = this.#cells.outcome(cell, letter?.value);
    const task = this.#free(cell);
    const stopped = task.trouble?.stopped;
    if (stopped) {
      if (!letter?.error) task.discard?.(outcome);
      this.#end(task, stopped.error);
    } else if (letter?.error) {
      this.#settleFailure(task, letter.error, worker);
    } else {
      task.cell = ELSEWHERE;
      if (task.trouble) clearTimeout(task.trouble.timer);
      this.#stats.completed++;
      task.done(outcome);
    }
    return true;
  }

  #settleFailure(task: Task, error: LetterError, worker: number): void {
    // A thread that is being ended may fail to load what others load: the op has not begun, so another may try.
    const trouble = troubleOf(task);
    const { retries, backoffMs } = task.terms;
    if (error.code === 'ERR_OP_LOAD' && ++trouble.deaths < MOST_DEATHS) {
      task.cell = IN_NO_CELL;
      this.#offers.add(task);
    } else if (task.idempotent && trouble.failures < retries) {
      this.#stats.retried++;
      trouble.avoid = manyWorkers(this.#words) ? worker : 0;
      this.#postpone(task, backoffMs * 2 ** trouble.failures++);
    } else {
      this.#end(task, errorOf(task, error));
    }
  }

  /** Tries a task again after a while. */
  #postpone(task: Task, ms: number): void {
    task.cell = IN_NO_CELL;
    this.#postponed.add(task);
    setTimeout(() => {
      if (!this.#postponed.delete(task)) return;
      this.#offers.add(task);
      this.#reaper.nudge();
    }, ms);
  }

  /** What a dead thread was at: another may try, if it does no harm to try again. */
  #rescue(cell: number, worker: number): void {
    this.#letters.discard(this.#table.at(cell));
    const task = this.#free(cell);
    const trouble = troubleOf(task);
    if (trouble.stopped) {
      this.#end(task, trouble.stopped.error);
    } else if (task.idempotent && ++trouble.deaths < MOST_DEATHS) {
      this.#stats.rerun++;
      task.cell = IN_NO_CELL;
      this.#offers.add(task);
    } else {
      const what = `Op "${task.config.name}" did not end`;
      this.#end(task, workerDied(what, this.#causes[worker]));
    }
  }

  /** A worker has begun it: tells the worker, and has its thread ended if that does not help. */
  #stopRunning(task: Task): void {
    const { cell } = task;
    this.#cells.cancel(cell);
    const { state, worker } = this.#table.look(cell);
    if (state !== RUNNING) return;
    this.#wakeUp.call(worker);
    troubleOf(task).timer = setTimeout(() => {
      const now = this.#table.look(cell);
      if (task.cell === cell && now.state === RUNNING) this.#options.onStuck(now.worker);
    }, this.#options.graceMs).unref();
  }

  /** Looks after the time of a task: it counts from when a worker begins it. */
  #watch(task: Task, ms: number): void {
    const trouble = troubleOf(task);
    trouble.timer = setTimeout(() => {
      const { timeoutMs } = task.terms;
      if (task.cell === ELSEWHERE || trouble.stopped) return;
      // One that has ended in time and was not reaped since has nothing to fear.
      const begun = task.cell >= 0 && this.#table.look(task.cell).state === RUNNING;
      const leftMs = begun ? timeoutMs - this.#cells.ranMs(task.cell) : timeoutMs;
      if (leftMs > 0) this.#watch(task, leftMs);
      else this.stop(task, tooLong(task));
    }, ms).unref();
  }

  #free(cell: number): Task {
    this.#table.free(cell);
    return this.#cells.empty(cell);
  }

  /** Fails a task that is in no cell any more. */
  #end(task: Task, error: unknown): void {
    task.cell = ELSEWHERE;
    if (task.trouble) clearTimeout(task.trouble.timer);
    this.#fail(task, error);
  }

  #fail(task: Task, error: unknown): void {
    this.#stats.failed++;
    task.failed(error);
  }

  /** Gives freed cells to tasks that wait for one; tells whoever waits for that, or for idleness. */
  #refill(settled = 0): void {
    this.#offers.refill(settled);
    if (this.#onProgress.length > 0) for (const tell of this.#onProgress.splice(0)) tell();
    if (this.#onIdle.length > 0 && this.inFlight === 0) {
      for (const tell of this.#onIdle.splice(0)) tell();
    }
  }
}
