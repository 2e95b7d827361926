/**
 * The coordinator's side of the cells: which task is in which, and the way of its words in and out.
 */
import type { Task, Outcome } from './task.js';
import {
  BYTES,
  CELLS,
  CONFIG,
  FILE,
  FLAGS,
  FROM_FILE,
  INPUT,
  IN_CELL,
  LAST,
  LEAD,
  LENGTH,
  OFFSET,
  OUTPUT,
  POSITION,
  RESULT,
  ROOM,
  SIZE,
  VALUE,
  cellAt,
} from './layout.js';

export class Cells {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #tasks: (Task | undefined)[] = Array.from({ length: CELLS });
  /** Numbers of free cells; the one used last is taken first, since it is warm. */
  readonly #free: number[] = Array.from({ length: CELLS }, (_, cell) => CELLS - 1 - cell);
  readonly #outcome: Outcome = { kind: 0, size: 0, value: 0, payload: undefined };

  constructor(words: Int32Array) {
    this.#words = words;
    this.#floats = new Float64Array(words.buffer);
    this.#bytes = new Uint8Array(words.buffer);
  }

  /** How many cells hold a task. */
  get used(): number {
    return CELLS - this.#free.length;
  }

  /** Writes `task` into a free cell; −1 when there is none. */
  fill(task: Task): number {
    const cell = this.#free.pop();
    if (cell === undefined) return -1;
    this.#tasks[cell] = task;
    const words = this.#words;
    const at = cellAt(cell);
    words[at + CONFIG] = task.config.id;
    words[at + FLAGS] = (task.last ? LAST : 0) | (task.file >= 0 ? FROM_FILE : 0);
    words[at + INPUT] = task.input;
    words[at + OFFSET] = task.offset;
    words[at + LEAD] = task.lead;
    words[at + LENGTH] = task.length;
    words[at + OUTPUT] = task.output;
    words[at + ROOM] = task.room;
    if (task.file >= 0) {
      words[at + FILE] = task.file;
      this.#floats[(at + POSITION) >> 1] = task.position;
    }
    return cell;
  }

  /** The cells that hold a task. */
  all(): number[] {
    return [...this.#tasks.keys()].filter((cell) => this.#tasks[cell] !== undefined);
  }

  resultKind(cell: number): number {
    return this.#words[cellAt(cell) + RESULT]!;
  }

  /** What the cell says; `payload` is the value that came by message, if one did. */
  outcome(cell: number, payload: unknown): Outcome {
    const at = cellAt(cell);
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
