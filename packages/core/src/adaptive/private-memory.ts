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

export class PrivateMemory {
  readonly #guard: MemoryGuard | undefined;
  readonly #keptBytes: number;
  readonly #leastBytes: number;
  /** By their size. */
  readonly #kept = new Map<number, Place[]>();

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

  /** A place of `bytes` bytes, unless memory is too short for that. */
  tryAllocate(bytes: number): Place | undefined {
    try {
      return new Place(this.allocate(bytes, 'chunkSize', bytes));
    } catch (error) {
      if (error instanceof MillraceError && error.code === 'ERR_OUT_OF_MEMORY') return undefined;
      throw error;
    }
  }

  /** A kept place of just `bytes` bytes, whatever is in it, if there is one. */
  take(bytes: number): Place | undefined {
    return this.#kept.get(bytes)?.pop();
  }

  /** Keeps a place that nobody uses any more; while memory is short, the least alone. */
  give(place: Place): void {
    const { length } = place.bytes;
    const least = this.#leastBytes;
    if (this.#guard && this.#guard.pressure !== 'normal') {
      for (const bytes of this.#kept.keys()) if (bytes > least) this.#kept.delete(bytes);
      if (length > least) return;
    }
    const kept = this.#kept.get(length);
    if (!kept) this.#kept.set(length, [place]);
    else if (kept.length === 0 || (kept.length + 1) * length <= this.#keptBytes) kept.push(place);
  }
}
