/**
 * An undo log over an `Int32Array`: what each write replaced, so that any earlier state can be had back
 * at the cost of the writes since, however large the array is.
 */
export class UndoLog {
  #target: Int32Array;
  /** Pairs of a place and the value that was there. */
  #entries = new Int32Array(1024);
  /** Where the next entry goes. Keep it, and hand it to {@link undoTo} later. */
  length = 0;

  constructor(target: Int32Array) {
    this.#target = target;
  }

  write(at: number, value: number): void {
    const old = this.#target[at]!;
    if (old === value) return;
    if (this.length === this.#entries.length) this.#entries = grown(this.#entries);
    this.#entries[this.length] = at;
    this.#entries[this.length + 1] = old;
    this.length += 2;
    this.#target[at] = value;
  }

  /** Puts the array back as it was when {@link length} was `length`. */
  undoTo(length: number): void {
    while (this.length > length) {
      this.length -= 2;
      this.#target[this.#entries[this.length]!] = this.#entries[this.length + 1]!;
    }
  }

  /** Goes on with a larger copy of the array. */
  moveTo(target: Int32Array): void {
    this.#target = target;
  }
}

/** A copy with twice the room. */
export function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}
