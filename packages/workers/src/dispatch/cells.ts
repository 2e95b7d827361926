/**
 * The owner's side of the cells of a lane: which task is in which, and the way of its words in and out.
 */
import type { TaskTable } from './task-table.js';
import type { Outcome, Task } from './task.js';
import {
  AVOID,
  BULK,
  BYTES,
  CANCEL,
  CONFIG,
  DIRECT,
  EXTENT,
  FILE,
  FLAGS,
  FROM_FILE,
  INPUT,
  IN_CELL,
  LARGE,
  LAST,
  LEAD,
  LENGTH,
  OFFSET,
  OUTPUT,
  POSITION,
  RECORD,
  RESULT,
  ROOM,
  SIZE,
  STARTED,
  TARGET,
  TIMED,
  TO_FILE,
  VALUE,
} from './layout.js';

export class Cells {
  readonly #table: TaskTable;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #tasks: (Task | undefined)[] = [];
  /** Numbers of free cells; the one used last is taken first, since it is warm. */
  readonly #free: number[] = [];
  readonly #outcome: Outcome = { kind: 0, size: 0, value: 0, payload: undefined };

  constructor(table: TaskTable) {
    const { words, layout } = table;
    this.#table = table;
    this.#words = words;
    this.#floats = new Float64Array(words.buffer);
    this.#bytes = new Uint8Array(words.buffer);
    // Not by Array.from, which takes several times as long.
    for (let cell = layout.cells - 1; cell >= 0; cell--) {
      this.#tasks.push(undefined);
      this.#free.push(cell);
    }
  }

  /** How many cells hold a task. */
  get used(): number {
    return this.#tasks.length - this.#free.length;
  }

  /** Writes `task`, which is not for the worker `avoid`, into a free cell; −1 when there is none. */
  fill(task: Task, avoid: number): number {
    const cell = this.#free.pop();
    if (cell === undefined) return -1;
    this.#tasks[cell] = task;
    const words = this.#words;
    const at = this.#table.at(cell);
    const { terms } = task;
    words[at + CONFIG] = task.config.id;
    words[at + FLAGS] =
      (task.last ? LAST : 0) |
      (task.file >= 0 ? FROM_FILE : 0) |
      (task.target >= 0 ? TO_FILE : 0) |
      (terms.timeoutMs > 0 ? TIMED : 0) |
      (terms.large ? LARGE : 0) |
      (terms.bulk ? BULK : 0);
    words[at + INPUT] = task.input;
    words[at + OFFSET] = task.offset;
    words[at + LEAD] = task.lead;
    words[at + LENGTH] = task.length;
    words[at + OUTPUT] = task.output;
    words[at + ROOM] = task.room;
    words[at + AVOID] = avoid;
    words[at + CANCEL] = 0;
    words[at + STARTED] = 0;
    if (task.file >= 0 || task.target >= 0) {
      if (task.direct) words[at + FLAGS]! |= DIRECT;
      words[at + FILE] = task.file;
      words[at + TARGET] = task.target;
      this.#floats[(at + POSITION) >> 1] = task.position;
    }
    const { record } = task.config;
    if (record) {
      words[at + RECORD] = record.ref;
      words[at + EXTENT] = record.byteLength;
    }
    task.cell = cell;
    return cell;
  }

  /** The cells that hold a task. */
  all(): number[] {
    return [...this.#tasks.keys()].filter((cell) => this.#tasks[cell] !== undefined);
  }

  /** Tells the worker that has begun the task that nobody wants its result. */
  cancel(cell: number): void {
    Atomics.store(this.#words, this.#table.at(cell) + CANCEL, 1);
  }

  /** Lets any worker have the task. */
  avoidNobody(cell: number): void {
    // A worker looks at it before it sleeps; whoever calls this wakes one after.
    Atomics.store(this.#words, this.#table.at(cell) + AVOID, 0);
  }

  /** For how many ms the op of a task that has TIMED has been running: its worker may have to load it first. */
  ranMs(cell: number): number {
    const started = Atomics.load(this.#words, this.#table.at(cell) + STARTED);
    return started === 0 ? 0 : (Date.now() - started) | 0;
  }

  resultKind(cell: number): number {
    return this.#words[this.#table.at(cell) + RESULT]!;
  }

  /** What the cell says; `payload` is what came by letter, if something did. */
  outcome(cell: number, payload: unknown): Outcome {
    const at = this.#table.at(cell);
    const outcome = this.#outcome;
    outcome.kind = this.#words[at + RESULT]!;
    outcome.size = this.#words[at + SIZE]!;
    outcome.value = this.#floats[(at + VALUE) >> 1]!;
    outcome.payload = payload;
    if (outcome.kind === IN_CELL) {
      const start = (at + BYTES) * 4;
      outcome.payload = this.#bytes.slice(start, start + outcome.size);
    }
    return outcome;
  }

  /** Takes the task out, so that the cell can be filled anew. */
  empty(cell: number): Task {
    const task = this.#tasks[cell]!;
    this.#tasks[cell] = undefined;
    this.#free.push(cell);
    return task;
  }
}
