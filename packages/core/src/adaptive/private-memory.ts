/**
 * Private memory: places that no other thread sees. They are kept for the next operation, some of each
 * size, so that copying leaves no garbage behind.
 */
import { MillraceError } from '../errors.js';
import type { MemoryPressure } from '../pools/pressure.js';

/** What a {@link MemoryManager} says of memory. */
export interface MemoryGuard {
  readonly pressure: MemoryPressure;
  /** @throws MillraceError `ERR_OUT_OF_MEMORY` when `bytes` are not to be had; `setting` is what asks for them */
  requireMemory(bytes: number, setting: string): void;
}

/** Asking what is left takes longer than allocating so little. */
const WORTH_ASKING = 16 * 1024 * 1024;

/** Where bytes are. */
export class Place {
  readonly bytes: Uint8Array<ArrayBuffer>;
  #part: Uint8Array<ArrayBuffer> | undefined;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }

  /** The first `count` bytes; the view is kept, as objects of one size often come in a row. */
  part(count: number): Uint8Array<ArrayBuffer> {
    if (count === this.bytes.length) return this.bytes;
    if (this.#part?.length !== count) this.#part = this.bytes.subarray(0, count);
    return this.#part;
  }
}

/** The places of one size. */
class Shelf {
  readonly kept: Place[] = [];
  /** How many there are, with those that are in use. */
  made = 0;
}

export class PrivateMemory {
  readonly #guard: MemoryGuard | undefined;
  readonly #keptBytes: number;
  readonly #leastBytes: number;
  readonly #shelves = new Map<number, Shelf>();

  /**
   * @param keptBytes how many bytes of each size are kept; one place at least
   * @param leastBytes a place that may be had however short memory is
   */
  constructor(guard: MemoryGuard | undefined, keptBytes: number, leastBytes: number) {
    this.#guard = guard;
    this.#keptBytes = keptBytes;
    this.#leastBytes = leastBytes;
  }

  /**
   * Memory of `bytes` bytes, all 0.
   *
   * @param setting what makes it so many, whose value is `value`
   * @throws MillraceError `ERR_OUT_OF_MEMORY`
   */
  allocate(bytes: number, setting: string, value: number): Uint8Array<ArrayBuffer> {
    const guard = this.#guard;
    if (guard && bytes > (guard.pressure === 'normal' ? WORTH_ASKING : this.#leastBytes)) {
      guard.requireMemory(bytes, setting);
    }
    try {
      return new Uint8Array(bytes);
    } catch (cause) {
      throw new MillraceError(
        'ERR_OUT_OF_MEMORY',
        `Cannot take ${bytes} bytes of private memory as the system refuses them; with a "${setting}" of ${value} bytes it comes to that`,
        { cause },
      );
    }
  }

  /** A place of `bytes` bytes, unless there are as many as are kept: one more would be garbage afterwards. */
  tryMake(bytes: number): Place | undefined {
    const made = this.#shelves.get(bytes)?.made ?? 0;
    return made === 0 || this.#hasRoom(made, bytes) ? this.tryAllocate(bytes) : undefined;
  }

  /** A place of `bytes` bytes, unless memory is too short for that. */
  tryAllocate(bytes: number): Place | undefined {
    try {
      const place = new Place(this.allocate(bytes, 'chunkSize', bytes));
      this.#shelf(bytes).made++;
      return place;
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_OUT_OF_MEMORY') return undefined;
      throw error;
    }
  }

  /** A kept place of just `bytes` bytes, whatever is in it, if there is one. */
  take(bytes: number): Place | undefined {
    return this.#shelves.get(bytes)?.kept.pop();
  }

  /** Keeps a place that nobody uses any more; while memory is short, the least alone. */
  give(place: Place): void {
    const { length } = place.bytes;
    const least = this.#leastBytes;
    if (this.#guard && this.#guard.pressure !== 'normal') {
      for (const bytes of this.#shelves.keys()) if (bytes > least) this.#shelves.delete(bytes);
      if (length > least) return;
    }
    const shelf = this.#shelf(length);
    const { kept } = shelf;
    if (kept.length === 0 || this.#hasRoom(kept.length, length)) kept.push(place);
    else if (shelf.made > kept.length) shelf.made--;
  }

  #hasRoom(places: number, bytes: number): boolean {
    return (places + 1) * bytes <= this.#keptBytes;
  }

  #shelf(bytes: number): Shelf {
    let shelf = this.#shelves.get(bytes);
    if (!shelf) this.#shelves.set(bytes, (shelf = new Shelf()));
    return shelf;
  }
}
