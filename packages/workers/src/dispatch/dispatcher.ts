/**
 * The dispatcher: the coordinator's side of dispatch.
 *
 * submit ──▶ cell, or backlog ──▶ a worker ──▶ its finished list ──▶ reap ──▶ the task's done or failed
 */
import type { MessagePort } from 'node:worker_threads';
import { MillraceError, type ThreadId } from '@millrace/core';
import { Backlog } from './backlog.js';
import { Cells } from './cells.js';
import { BY_MESSAGE, DISPATCH_WORDS, FAILED } from './layout.js';
import { Letters, type Letter, type LetterError } from './letters.js';
import { Reaper, type Reaped } from './reaper.js';
import type { Task } from './task.js';
import { TaskTable } from './task-table.js';
import { WakeUp } from './wake-up.js';

/** A task whose thread dies is given to another this often before it fails: the task may be what kills them. */
const MOST_DEATHS = 3;

/** A worker, as far as dispatch is concerned. */
export interface Hand {
  readonly id: ThreadId;
  /** Where its letters come from. */
  readonly port: MessagePort;
}

export interface DispatchStats {
  submitted: number;
  completed: number;
  failed: number;
  /** Tasks given to another thread because theirs died. */
  rerun: number;
}

export class Dispatcher {
  readonly #words = new Int32Array(new SharedArrayBuffer(DISPATCH_WORDS * 4));
  readonly #table = new TaskTable(this.#words);
  readonly #wakeUp = new WakeUp(this.#words);
  readonly #cells = new Cells(this.#words);
  readonly #backlog = new Backlog();
  readonly #letters = new Letters();
  readonly #reaper = new Reaper(this.#wakeUp, () => this.#reap());
  #hands: readonly Hand[] = [];
  /** How far each worker's list of finished cells has been reaped, by thread id. */
  readonly #reaped: number[] = [];
  /** Finished cells whose letter is not readable yet. */
  #awaitingLetter: { cell: number; from: Hand }[] = [];
  #woke = false;
  #onIdle: (() => void)[] = [];
  readonly #stats: DispatchStats = { submitted: 0, completed: 0, failed: 0, rerun: 0 };

  /** The dispatch block, for workers to attach. */
  get block(): SharedArrayBuffer {
    return this.#words.buffer;
  }

  /** Tasks that have been submitted and not settled. */
  get inFlight(): number {
    return this.#cells.used + this.#backlog.length;
  }

  stats(): DispatchStats {
    return { ...this.#stats };
  }

  /** Offers a task to the workers. Its `done` or `failed` is called once, and never synchronously. */
  submit(task: Task): void {
    this.#stats.submitted++;
    this.#enqueue(task);
    this.#reaper.start();
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Makes ready for a worker that is about to start. */
  admit(id: ThreadId): void {
    this.#wakeUp.admit(id);
  }

  /** Says which workers there are. */
  set hands(hands: readonly Hand[]) {
    this.#hands = hands;
  }

  /** Wakes every worker, so that it reads its port. */
  wakeAll(): void {
    this.#wakeUp.wakeAll(this.#hands.map(({ id }) => id));
  }

  /** Tells the workers to leave. */
  close(): void {
    this.#wakeUp.close(this.#hands.map(({ id }) => id));
  }

  /** A worker is dead for certain: what it had finished counts, what it was at runs again or fails. */
  bury(hand: Hand, cause: unknown): void {
    this.#reapFrom(hand);
    for (const { cell, done } of this.#table.heldBy(hand.id)) {
      if (!done || !this.#settle(cell, hand)) this.#rescue(cell, cause);
    }
    this.#awaitingLetter = this.#awaitingLetter.filter(({ from }) => from !== hand);
    this.#wakeUp.forget(hand.id);
    // It may have been the one that was woken, or the one that looked for work while nobody was woken.
    if (this.#table.waiting) this.#wakeUp.wakeOne();
    this.#refill();
    this.#reaper.nudge();
  }

  /** Fails everything in flight: no worker will ever take it. */
  failAll(error: unknown): void {
    for (const cell of this.#cells.all()) this.#fail(this.#free(cell), error);
    this.#backlog.drain((task) => {
      this.#fail(task, error);
      return true;
    });
    this.#refill();
    this.#reaper.nudge();
  }

  #enqueue(task: Task): void {
    // Whoever waits already goes first.
    if (this.#backlog.length > 0 || !this.#offer(task)) this.#backlog.push(task);
  }

  /** False when there is no room for it now. */
  #offer(task: Task): boolean {
    if (!this.#table.makeRoom()) return false;
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

  /** Settles what the workers have finished. */
  #reap(): Reaped {
    let reaped = 0;
    for (const hand of this.#hands) reaped += this.#reapFrom(hand);
    if (this.#awaitingLetter.length > 0) {
      for (const { cell, from } of this.#awaitingLetter.splice(0)) {
        if (this.#settle(cell, from)) reaped++;
      }
    }
    if (reaped > 0) this.#refill();
    return { reaped, inFlight: this.inFlight, unread: this.#awaitingLetter.length };
  }

  #reapFrom(hand: Hand): number {
    const { id } = hand;
    const tail = this.#table.doneTail(id);
    let reaped = 0;
    for (let head = this.#reaped[id] ?? 0; head !== tail; head = (head + 1) | 0) {
      this.#reaped[id] = (head + 1) | 0;
      if (this.#settle(this.#table.doneCell(id, head), hand)) reaped++;
    }
    return reaped;
  }

  /** Ends the task of a finished cell; false when its letter is yet to come. */
  #settle(cell: number, from: Hand): boolean {
    const kind = this.#cells.resultKind(cell);
    let letter: Letter | undefined;
    if (kind === BY_MESSAGE || kind === FAILED) {
      letter = this.#letters.take(cell, from.port);
      if (!letter) {
        this.#awaitingLetter.push({ cell, from });
        return false;
      }
    }
    const outcome = this.#cells.outcome(cell, letter?.value);
    const task = this.#free(cell);
    // A thread that is being ended may fail to load what others load: the op has not begun, so another may try.
    if (letter?.error?.code === 'ERR_OP_LOAD' && ++task.deaths < MOST_DEATHS) {
      this.#enqueue(task);
      return true;
    }
    if (letter?.error) {
      this.#fail(task, errorOf(task, letter.error));
    } else {
      this.#stats.completed++;
      task.done(outcome);
    }
    return true;
  }

  /** What a dead thread was at: another may try, if it does no harm to try again. */
  #rescue(cell: number, cause: unknown): void {
    this.#letters.discard(cell);
    const task = this.#free(cell);
    if (task.idempotent && ++task.deaths < MOST_DEATHS) {
      this.#stats.rerun++;
      this.#enqueue(task);
    } else {
      this.#fail(task, workerDied(`Op "${task.config.name}" did not end`, cause));
    }
  }

  #free(cell: number): Task {
    this.#table.free(cell);
    return this.#cells.empty(cell);
  }

  #fail(task: Task, error: unknown): void {
    this.#stats.failed++;
    task.failed(error);
  }

  /** Gives freed cells to tasks that wait for one; tells whoever waits for idleness. */
  #refill(): void {
    this.#backlog.drain((task) => this.#offer(task));
    if (this.inFlight === 0) for (const tell of this.#onIdle.splice(0)) tell();
  }
}

/** What the caller sees of an error in an op: the thrown thing as `cause`, with its code if it had one. */
function errorOf(task: Task, { cause, message, code }: LetterError): MillraceError {
  if (code === 'ERR_OP_LOAD' || code === 'ERR_OP_OUTPUT' || code === 'ERR_READ') {
    return new MillraceError(code, message, { cause: (cause as Error).cause });
  }
  if (cause instanceof Error && code !== undefined) Object.assign(cause, { code });
  return new MillraceError('ERR_OP_FAILED', `Op "${task.config.name}" failed: ${message}`, {
    cause,
  });
}

export function workerDied(what: string, cause: unknown): MillraceError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new MillraceError('ERR_WORKER_DIED', `${what} as its worker thread died${reason}`, {
    cause,
  });
}
