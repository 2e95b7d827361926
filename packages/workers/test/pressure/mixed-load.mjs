/**
 * A load of objects of all sizes, many at a time, through an adaptive pool: four in five are small, one in a
 * hundred is very large. Every byte is compared with what it should be.
 */

import { numbersFrom } from '../chance.mjs';

const KiB = 1024;
const MiB = 1024 * KiB;
const LARGEST = 4 * MiB;

function sizeOf(random) {
  const kind = random();
  const within = (from, to) => Math.floor(from + random() * (to - from));
  if (kind < 0.8) return within(1, 32 * KiB);
  if (kind < 0.93) return within(32 * KiB, 256 * KiB);
  if (kind < 0.99) return within(256 * KiB, MiB);
  return within(MiB, LARGEST);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

export class MixedLoad {
  /** Operations that have ended. */
  done = 0;
  /** Pieces that were not what they should be. */
  wrong = 0;
  #pool;
  #random;
  #content = Buffer.alloc(LARGEST + MiB);

  constructor(pool, seed = 1) {
    this.#pool = pool;
    const number = numbersFrom(seed);
    this.#random = () => number() / 2 ** 32;
    for (let at = 0; at < this.#content.length; at += 4) {
      this.#content.writeUInt32LE(Math.floor(this.#random() * 2 ** 32), at);
    }
  }

  /**
   * Runs `count` operations, `lanes` of them at a time.
   *
   * @param each called before each operation, with how many have begun
   */
  async run(count, { lanes = 8, each = () => {} } = {}) {
    let begun = 0;
    const lane = async () => {
      while (begun < count) {
        each(begun);
        const number = begun++;
        const size = sizeOf(this.#random);
        // Every fourth waits for its ends, so that others go on meanwhile and hold memory, too.
        const slow = number % 4 === 0;
        if (number % 10 === 9) await this.#hold(Math.min(size, MiB), slow);
        else await this.#copy(size, slow);
        this.done++;
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  /** Copies an object; of every tenth nobody says how large it is. */
  async #copy(size, slow) {
    const from = Math.floor(this.#random() * MiB);
    const object = this.#content.subarray(from, from + size);
    let read = 0;
    let written = 0;
    const reader = {
      read: (into) => {
        const piece = object.subarray(read, read + into.length);
        into.set(piece);
        read += piece.length;
        return slow ? turn().then(() => piece.length) : piece.length;
      },
    };
    const writer = {
      write: (bytes) => {
        const expected = object.subarray(written, written + bytes.length);
        if (Buffer.compare(bytes, expected) !== 0) this.wrong++;
        written += bytes.length;
        return slow ? turn() : undefined;
      },
    };
    const known = this.#random() < 0.9;
    const copied = await this.#pool.copyBuffer(writer, reader, known ? size : undefined);
    if (copied !== size || written !== size) this.wrong++;
  }

  /** Holds an object whole for a moment. */
  async #hold(size, slow) {
    const buffer = await this.#pool.acquireAsync(size);
    try {
      const object = this.#content.subarray(size % KiB, (size % KiB) + size);
      buffer.bytes.set(object);
      if (slow) await turn();
      if (Buffer.compare(buffer.bytes, object) !== 0) this.wrong++;
    } finally {
      buffer.release();
    }
  }
}
