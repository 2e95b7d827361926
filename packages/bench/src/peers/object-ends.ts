/**
 * The ends of copies and tees: an object in memory that fills the buffers it is given, and consumers that
 * compare each byte they get with what it should be. They answer at once, so that what differs between two
 * contenders is their buffers.
 */
import { randomFillSync } from 'node:crypto';

/** An object repeats itself: what has to come from farther away costs every contender the same. */
const BLOCK_BYTES = 2 ** 20;

const block = randomFillSync(Buffer.alloc(BLOCK_BYTES));
/** Of the same bytes; a part of it takes less time to make than one of a Buffer. */
const plainBlock = new Uint8Array(block.buffer, block.byteOffset, BLOCK_BYTES);

/** An object of any size. It may be read again and again. */
export class MemoryObject {
  #left = 0;
  #at = 0;

  /** It has `size` bytes from now on, none of which is read. */
  begin(size: number): this {
    this.#left = size;
    this.#at = 0;
    return this;
  }

  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#left);
    for (let done = 0; done < count;) {
      const at = this.#at;
      const part = Math.min(count - done, BLOCK_BYTES - at);
      into.set(part === BLOCK_BYTES ? plainBlock : plainBlock.subarray(at, at + part), done);
      done += part;
      this.#at = (at + part) % BLOCK_BYTES;
    }
    this.#left -= count;
    return count;
  }
}

/** Takes one object after the other, and all of it. */
export class ComparingSink {
  #bytes = 0;

  /** @throws Error when it gets what is not the object's next part */
  write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = this.#bytes % BLOCK_BYTES;
      const part = Math.min(bytes.length - done, BLOCK_BYTES - at);
      if (block.compare(bytes, done, done + part, at, at + part) !== 0) {
        throw new Error(`A byte is wrong between ${this.#bytes} and ${this.#bytes + part}`);
      }
      done += part;
      this.#bytes += part;
    }
  }

  close(): void {}

  /** The next object comes. @throws Error unless the one before had `size` bytes */
  next(size: number): void {
    if (this.#bytes !== size) throw new Error(`${this.#bytes} bytes came in place of ${size}`);
    this.#bytes = 0;
  }
}
