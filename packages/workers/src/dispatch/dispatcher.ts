/**
 * The dispatcher: a submitter's side of dispatch, the owner of one lane.
 *
 * submit ──▶ cell, or backlog ──▶ a worker ──▶ its finished list ──▶ reap ──▶ the task's done or failed
 *   stop ──▶ taken back, or told to end ──after a grace──▶ its thread is ended
 */
import type { MessagePort } from 'node:worker_threads';
import { MillraceError, type BufferPools } from '@millrace/core';
import { MAX_THREADS } from '@millrace/core/internal';
import { Backlog } from './backlog.js';
import { Cells } from './cells.js';
import { ringOf } from './claims.js';
import {
  BY_LETTER,
  EXPRESS,
  FAILED,
  LEFT,
  ORPHANED,
  RETRY_RING,
  RUNNING,
  SPAN,
  WORKERS,
  laneOf,
} from './layout.js';
import { LaneSignal } from './lane-signal.js';
import { LetterReader, type Letter, type LetterError } from './letters.js';
import { Reaper, type Reaped } from './reaper.js';
import { IN_NO_CELL, SETTLED, troubleOf, type Task } from './task.js';
import { withTraits } from './thrown.js';
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
  readonly #backlog = new Backlog();
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
  #woke = false;
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
    this.#signal = new LaneSignal(words, layout);
    this.#letters = new LetterReader(words, pools, portOf);
    this.#reaper = new Reaper(this.#signal, () => this.#reap());
    this.#orphans = this.#signal.orphans;
    // A former owner of the lane may have left its lists and its rings at any position.
    for (let worker = 0; worker < MAX_THREADS; worker++) {
      this.#reaped[worker] = this.#table.doneTail(worker);
    }
    this.#wakeUp.openLane(lane);
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#cells.used + this.#backlog.length + this.#postponed.size;
  }

  stats(): DispatchStats {
    return { ...this.#stats };
  }

  /** Offers a task to the workers. Its `done` or `failed` is called once, and never synchronously. */
  submit(task: Task): void {
    this.#stats.submitted++;
    this.#enqueue(task);
    if (task.terms.timeoutMs > 0) this.#watch(task, task.terms.timeoutMs);
    this.#reaper.start();
  }

  /**
   * Ends a task, which fails with `error`: at once when no worker has begun it, else when its op has
   * returned, or its thread is ended.
   */
  stop(task: Task, error: unknown): void {
    const trouble = troubleOf(task);
    if (trouble.stopped || task.cell === SETTLED) return;
    trouble.stopped = { error };
    clearTimeout(trouble.timer);
    if (this.#postponed.delete(task)) {
      task.cell = SETTLED;
    } else if (task.cell === IN_NO_CELL) {
      this.#backlog.forget(task);
    } else if (this.#table.withdraw(task.cell)) {
      this.#cells.empty(task.cell);
      task.cell = SETTLED;
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
    this.#backlog.drain((task) => tasks.push(task) > 0);
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

  #enqueue(task: Task): void {
    const ring = this.#ringFor(task);
    // Whoever waits already goes first.
    if (this.#backlog.has(ring) || !this.#offer(task, ring)) this.#backlog.push(task, ring);
  }

  #ringFor({ trouble, terms }: Task): number {
    return trouble && trouble.avoid !== 0 ? RETRY_RING : ringOf(terms.priority, terms.bulk);
  }

  /** Whom a task is to avoid: with one worker left, nobody. */
  #avoidedBy({ trouble }: Task): number {
    return trouble && trouble.avoid !== 0 && this.#manyWorkers() ? trouble.avoid : 0;
  }

  /** False when there is no room for it now. */
  #offer(task: Task, ring: number): boolean {
    if (!this.#table.makeRoom(ring)) return false;
    const cell = this.#cells.fill(task, this.#avoidedBy(task));
    if (cell < 0) return false;
    this.#table.publish(cell, ring);
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

  /** Settles what the workers have finished. */
  #reap(): Reaped {
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
    if (reaped > 0) this.#refill();
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
    this.#letTheLastHaveAll();
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
      task.cell = SETTLED;
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
      this.#enqueue(task);
    } else if (task.idempotent && trouble.failures < retries) {
      this.#stats.retried++;
      trouble.avoid = this.#manyWorkers() ? worker : 0;
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
      this.#enqueue(task);
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
      this.#enqueue(task);
    } else {
      const what = `Op "${task.config.name}" did not end`;
      this.#end(task, workerDied(what, this.#causes[worker]));
    }
  }

  /** With one worker left, nobody else can take what it is to avoid. */
  #letTheLastHaveAll(): void {
    if (this.#manyWorkers()) return;
    for (const cell of this.#cells.all()) this.#cells.avoidNobody(cell);
    if (this.#table.waiting) this.#wakeUp.wakeOne();
  }

  /** Whether there are two workers or more that take any task. */
  #manyWorkers(): boolean {
    const words = this.#words;
    const span = Atomics.load(words, SPAN);
    // Whom the express worker would have to wait for is no choice.
    let count = Atomics.load(words, EXPRESS) === 0 ? 0 : -1;
    for (let w = 0; w < span && count < 2; w++) {
      let bits = Atomics.load(words, WORKERS + w);
      for (; bits !== 0; bits &= bits - 1) count++;
    }
    return count > 1;
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
      if (task.cell === SETTLED || trouble.stopped) return;
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
    task.cell = SETTLED;
    if (task.trouble) clearTimeout(task.trouble.timer);
    this.#fail(task, error);
  }

  #fail(task: Task, error: unknown): void {
    this.#stats.failed++;
    task.failed(error);
  }

  /** Gives freed cells to tasks that wait for one; tells whoever waits for that, or for idleness. */
  #refill(): void {
    this.#backlog.drain((task, ring) => this.#offer(task, ring));
    for (const tell of this.#onProgress.splice(0)) tell();
    if (this.inFlight === 0) for (const tell of this.#onIdle.splice(0)) tell();
  }
}

/** What the caller sees of an error in an op: the thrown thing as `cause`, with its code if it had one. */
function errorOf(task: Task, letter: LetterError): MillraceError {
  const { cause, message, code, traits, causeTraits } = letter;
  if (
    code === 'ERR_OP_LOAD' ||
    code === 'ERR_OP_SETUP' ||
    code === 'ERR_OP_OUTPUT' ||
    code === 'ERR_READ' ||
    code === 'ERR_WRITE'
  ) {
    return new MillraceError(code, message, {
      cause: withTraits((cause as Error).cause, causeTraits),
    });
  }
  return new MillraceError('ERR_OP_FAILED', `Op "${task.config.name}" failed: ${message}`, {
    cause: withTraits(cause, traits),
  });
}

function tooLong({ config, terms }: Task): MillraceError {
  return new MillraceError(
    'ERR_TIMEOUT',
    `Op "${config.name}" did not end within ${terms.timeoutMs} ms from when it began`,
  );
}

export function workerDied(what: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new MillraceError('ERR_WORKER_DIED', `${what} as its worker thread died${reason}`, {
    cause,
  });
}
