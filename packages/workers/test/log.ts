/** A log in shared memory that ops write numbers to: see `enter` in terms-ops.mjs. */
const ENTRIES = 4096;

export class Log {
  readonly words = new Int32Array(new SharedArrayBuffer((1 + ENTRIES) * 4));

  get length(): number {
    return Atomics.load(this.words, 0);
  }

  get entries(): number[] {
    return Array.from(this.words.subarray(1, 1 + this.length));
  }
}
