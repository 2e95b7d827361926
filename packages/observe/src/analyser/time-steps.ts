/**
 * Time cut into steps of equal width, with a cell for each of the latest.
 *
 *    … │ cell │ cell │ cell │ cell ·now        at most `count` cells; the last is that of now
 *
 * Steps are numbered from the epoch, so that those of an hour begin with the hour. Memory is constant however long it
 * goes on, and a gap of any length costs no more than `count` steps.
 */

export class TimeSteps<Cell> {
  readonly widthMs: number;
  readonly #count: number;
  readonly #make: () => Cell;
  #cells: Cell[] = [];
  /** The step of the last cell. */
  #step = 0;
  #startMs = 0;
  #nowMs = 0;

  constructor(widthMs: number, count: number, make: () => Cell) {
    this.widthMs = widthMs;
    this.#count = count;
    this.#make = make;
  }

  /** The cell of now. `advance` must have been called before. */
  get current(): Cell {
    return this.#cells[this.#cells.length - 1] as Cell;
  }

  /** The number of the step that is now. */
  get step(): number {
    return this.#step;
  }

  /** The cells there are, the earliest first. */
  get cells(): readonly Cell[] {
    return this.#cells;
  }

  /** How many milliseconds the cells have seen. */
  get coveredMs(): number {
    return this.#nowMs - Math.max(this.#startMs, this.#edge(this.#step - this.#cells.length + 1));
  }

  /** Those that were seen from their beginning to their end, the earliest first. */
  whole(): readonly Cell[] {
    const first = this.#step - this.#cells.length + 1;
    return this.#cells.slice(this.#edge(first) < this.#startMs ? 1 : 0, -1);
  }

  /**
   * Moves on to a time. The milliseconds until then are handed to `spend`, cell by cell. Time does not run backwards.
   */
  advance(toMs: number, spend: (cell: Cell, forMs: number) => void): void {
    if (this.#cells.length === 0) this.#begin(toMs);
    const last = Math.floor(toMs / this.widthMs);
    if (last - this.#step > this.#count) this.#skip(last - this.#count);
    while (this.#step < last) {
      this.#spend(this.#edge(this.#step + 1), spend);
      this.#step += 1;
      this.#cells.push(this.#make());
      if (this.#cells.length > this.#count) this.#cells.shift();
    }
    this.#spend(toMs, spend);
  }

  #begin(atMs: number): void {
    this.#startMs = atMs;
    this.#nowMs = atMs;
    this.#step = Math.floor(atMs / this.widthMs);
    this.#cells.push(this.#make());
  }

  /** What lies before this step would be dropped anyway. */
  #skip(step: number): void {
    this.#step = step;
    this.#nowMs = this.#edge(step);
    this.#cells = [this.#make()];
  }

  #spend(toMs: number, spend: (cell: Cell, forMs: number) => void): void {
    if (toMs <= this.#nowMs) return;
    spend(this.current, toMs - this.#nowMs);
    this.#nowMs = toMs;
  }

  #edge(step: number): number {
    return step * this.widthMs;
  }
}
