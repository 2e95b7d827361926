/**
 * Private memory: what is worked in where the pools cannot be, or are not wanted. A few chunks are kept
 * for the next operation, so that streaming leaves no garbage behind.
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

export class PrivateMemory {
  readonly #guard: MemoryGuard | undefined;
  readonly #most: number;
  readonly #leastBytes: number;
  readonly #kept: Uint8Array<ArrayBuffer>[] = [];

  /**
   * @param most how many chunks are kept
   * @param leastBytes a chunk that may be had however short memory is
   */
  constructor(guard: MemoryGuard | undefined, most: number, leastBytes: number) {
    this.#guard = guard;
    this.#most = most;
    this.#leastBytes = leastBytes;
  }

  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#kept.reduce((sum, { byteLength }) => sum + byteLength, 0);
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

  /** A kept chunk of just `bytes` bytes, whatever is in it, if there is one. */
  take(bytes: number): Uint8Array<ArrayBuffer> | undefined {
    const at = this.#kept.findIndex(({ byteLength }) => byteLength === bytes);
    return at < 0 ? undefined : this.#kept.splice(at, 1)[0];
  }

  /** Keeps a chunk that nobody uses any more; while memory is short, the least alone. */
  give(chunk: Uint8Array<ArrayBuffer>): void {
    const kept = this.#kept;
    if (this.#guard && this.#guard.pressure !== 'normal') {
      const small = kept.filter(({ byteLength }) => byteLength <= this.#leastBytes);
      kept.splice(0, kept.length, ...small);
      if (chunk.byteLength > this.#leastBytes) return;
    }
    if (kept.length >= this.#most) kept.shift();
    kept.push(chunk);
  }
}
