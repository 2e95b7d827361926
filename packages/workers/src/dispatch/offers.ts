/**
 * The way of tasks to the workers: into a cell and a ring, or into the backlog until there is room.
 */
import { Backlog } from './backlog.js';
import type { Cells } from './cells.js';
import { Circulation } from './circulation.js';
import { manyWorkers, ringOf } from './claims.js';
import { RETRY_RING } from './layout.js';
import { soon } from './soon.js';
import type { Task } from './task.js';
import type { TaskTable } from './task-table.js';
import type { WakeUp } from './wake-up.js';

export class Offers {
  readonly #table: TaskTable;
  readonly #cells: Cells;
  readonly #wakeUp: WakeUp;
  readonly #backlog = new Backlog();
  readonly #circulation: Circulation;
  readonly #onSent: () => void;
  /** In this turn of the event loop a worker has been woken, and tasks have been published after that. */
  #woke = false;
  #more = false;

  /** @param onSent is called once all that is sent in one go has been */
  constructor(table: TaskTable, cells: Cells, wakeUp: WakeUp, onSent: () => void) {
    this.#onSent = onSent;
    this.#table = table;
    this.#cells = cells;
    this.#wakeUp = wakeUp;
    this.#circulation = new Circulation(table.layout.cells);
  }

  /** How many tasks wait for a cell. */
  get backlog(): number {
    return this.#backlog.length;
  }

  add(task: Task): void {
    const ring = ringFor(task);
    // Whoever waits already goes first.
    if (this.#backlog.has(ring) || !this.#offer(task, ring)) this.#backlog.push(task, ring);
  }

  /** Takes back a task that waits for a cell: it has settled. */
  forget(task: Task): void {
    this.#backlog.forget(task);
  }

  /** The owner looks for results. */
  looks(): void {
    this.#circulation.looks(this.#cells.used + this.#backlog.length);
  }

  /** Gives freed cells to tasks that wait for one. @param settled how many have settled since it was called last */
  refill(settled: number): void {
    this.#circulation.took(settled);
    this.#backlog.drain(this.#take);
  }

  /** Takes back all that wait for a cell. */
  withdrawAll(): Task[] {
    const tasks: Task[] = [];
    this.#backlog.drain((task) => tasks.push(task) > 0);
    return tasks;
  }

  /** With one worker left, nobody else can take what it is to avoid. */
  letTheLastHaveAll(): void {
    if (manyWorkers(this.#table.words)) return;
    for (const cell of this.#cells.all()) this.#cells.avoidNobody(cell);
    if (this.#table.waiting) this.#wakeUp.wakeOne();
  }

  readonly #take = (task: Task, ring: number): boolean => this.#offer(task, ring);

  /** False when there is no room for it now. */
  #offer(task: Task, ring: number): boolean {
    if (this.#cells.used >= this.#circulation.most || !this.#table.makeRoom(ring)) return false;
    const cell = this.#cells.fill(task, this.#avoidedBy(task));
    if (cell < 0) return false;
    this.#table.publish(cell, ring);
    if (this.#woke) this.#more = true;
    else this.#wake();
    return true;
  }

  /** Whom a task is to avoid: with one worker left, nobody. */
  #avoidedBy({ trouble }: Task): number {
    return trouble && trouble.avoid !== 0 && manyWorkers(this.#table.words) ? trouble.avoid : 0;
  }

  /** One notify a batch: the first task of a turn wakes a worker, which wakes the next if it leaves tasks behind. */
  #wake(): void {
    this.#woke = true;
    this.#wakeUp.wakeFor(this.#table);
    soon(this.#batchSent);
  }

  readonly #batchSent = (): void => {
    // The one that was woken may have found the queue empty by then, and parked again.
    if (this.#more && this.#table.waiting) this.#wakeUp.wakeOne();
    this.#woke = this.#more = false;
    this.#onSent();
  };
}

function ringFor({ trouble, terms }: Task): number {
  return trouble && trouble.avoid !== 0 ? RETRY_RING : ringOf(terms.priority, terms.bulk);
}
