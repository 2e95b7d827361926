/**
 * An arena: one region of shared memory that holds bytes and nothing else.
 *
 * It is a shared `WebAssembly.Memory`: page-aligned, zeroed lazily by the system, growable in place,
 * and open to WebAssembly kernels. Its maximum is only an address range; pages become resident when
 * they are first written. Where such a memory cannot be had (an address-space limit, an engine
 * without shared WebAssembly memory) a plain `SharedArrayBuffer` of the full size stands in, and
 * `reason` says why. All words that threads race on live elsewhere, in the control block.
 */
import { MillraceError } from '../errors.js';

export const WASM_PAGE_BYTES = 65_536;

/** What `postMessage` carries so that another thread can attach the same arena. */
export type ArenaHandle =
  | { readonly kind: 'wasm'; readonly memory: WebAssembly.Memory; readonly maxBytes: number }
  | { readonly kind: 'plain'; readonly buffer: SharedArrayBuffer; readonly reason: string };

/** Growth makes a new buffer object over the same memory, so that several lead to one. */
const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/** The memory of the arena in which `view` lies, for kernels to import; `undefined` for any other view. */
export function memoryOf(view: ArrayBufferView): WebAssembly.Memory | undefined {
  return memories.get(view.buffer);
}

export class Arena {
  /** `wasm` grows in place; `plain` has its full size from the start. */
  readonly kind: 'wasm' | 'plain';
  /** Why shared WebAssembly memory could not be had; absent for `wasm`. */
  readonly reason: string | undefined;
  /** The size in bytes up to which this arena may grow. */
  readonly maxBytes: number;
  readonly #memory: WebAssembly.Memory | undefined;
  #buffer: SharedArrayBuffer;

  private constructor(handle: ArenaHandle) {
    this.kind = handle.kind;
    if (handle.kind === 'wasm') {
      this.#memory = handle.memory;
      this.#buffer = sharedBufferOf(handle.memory);
      memories.set(this.#buffer, handle.memory);
      this.maxBytes = handle.maxBytes;
    } else {
      this.#buffer = handle.buffer;
      this.maxBytes = handle.buffer.byteLength;
      this.reason = handle.reason;
    }
  }

  /**
   * Reserves an arena.
   *
   * @param maxBytes the most it may hold; a multiple of 64 KiB, at most 4 GiB
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE` when neither kind of memory can be had
   */
  static create(maxBytes: number): Arena {
    let reason: string;
    try {
      const maximum = maxBytes / WASM_PAGE_BYTES;
      const memory = new WebAssembly.Memory({ initial: 0, maximum, shared: true });
      return new Arena({ kind: 'wasm', memory, maxBytes });
    } catch (error) {
      reason = `shared WebAssembly memory of ${maxBytes} bytes cannot be had: ${String(error)}`;
    }
    try {
      return new Arena({ kind: 'plain', buffer: new SharedArrayBuffer(maxBytes), reason });
    } catch (cause) {
      throw new MillraceError(
        'ERR_ARENA_UNAVAILABLE',
        `Cannot reserve an arena of ${maxBytes} bytes; lower "memory" or raise the address-space limit (${reason})`,
        { cause },
      );
    }
  }

  /**
   * Attaches, in this thread, an arena that another thread created.
   *
   * @throws MillraceError `ERR_BAD_HANDLE` when `handle` did not come from {@link Arena.handle}
   */
  static attach(handle: ArenaHandle): Arena {
    const memory: unknown =
      handle?.kind === 'wasm'
        ? handle.memory?.buffer
        : handle?.kind === 'plain'
          ? handle.buffer
          : undefined;
    if (!(memory instanceof SharedArrayBuffer)) {
      throw new MillraceError('ERR_BAD_HANDLE', 'Cannot attach an arena as its memory is missing');
    }
    return new Arena(handle);
  }

  /** What another thread needs to attach this arena. */
  get handle(): ArenaHandle {
    return this.#memory
      ? { kind: 'wasm', memory: this.#memory, maxBytes: this.maxBytes }
      : { kind: 'plain', buffer: this.#buffer, reason: this.reason ?? '' };
  }

  /** The underlying `WebAssembly.Memory` for kernels to import; absent for `plain`. */
  get memory(): WebAssembly.Memory | undefined {
    return this.#memory;
  }

  /** Bytes that can be addressed now. */
  get byteLength(): number {
    return this.#refresh().byteLength;
  }

  /** The same as far as this thread has come to know: see {@link Arena.byteLength}, which looks. */
  get knownBytes(): number {
    return this.#buffer.byteLength;
  }

  /**
   * Makes the first `bytes` bytes addressable. Any thread may call it, at the same time as others:
   * the engine serializes growth, and growing twice only costs address range.
   *
   * @throws MillraceError `ERR_ARENA_UNAVAILABLE` when the system refuses
   */
  ensure(bytes: number): void {
    for (;;) {
      const { byteLength } = this.#refresh();
      if (byteLength >= bytes) return;
      if (!this.#memory || bytes > this.maxBytes) {
        throw new MillraceError(
          'ERR_ARENA_UNAVAILABLE',
          `Cannot grow the arena to ${bytes} bytes as its maximum is ${this.maxBytes}`,
        );
      }
      try {
        this.#memory.grow(Math.ceil((bytes - byteLength) / WASM_PAGE_BYTES));
      } catch (cause) {
        // Another thread may have grown it meanwhile, so that our step went past the maximum: look again.
        if (this.#refresh().byteLength > byteLength) continue;
        throw new MillraceError(
          'ERR_ARENA_UNAVAILABLE',
          `Cannot grow the arena to ${bytes} bytes as the system refused`,
          { cause },
        );
      }
    }
  }

  /** A new view of `length` bytes from `offset` on; both must lie within what was ensured by any thread. */
  view(offset: number, length: number): Uint8Array<SharedArrayBuffer> {
    const buffer = offset + length > this.#buffer.byteLength ? this.#refresh() : this.#buffer;
    return new Uint8Array(buffer, offset, length);
  }

  /**
   * After growth by any thread, `memory.buffer` is a new object over the same bytes; old views stay valid.
   *
   * V8 tells other threads of growth by an interrupt, so words that were stored after it may be seen
   * before it: one view in a hundred, when a thread spins. Growing by nothing looks at the memory itself.
   *
   * Not to be done again and again for nothing: each time V8 makes new buffers over all shared memories of the
   * thread, and those to which nobody refers any more live on if the garbage collector is marking just then.
   */
  #refresh(): SharedArrayBuffer {
    if (this.#memory) {
      this.#memory.grow(0);
      const buffer = sharedBufferOf(this.#memory);
      if (buffer !== this.#buffer) memories.set(buffer, this.#memory);
      this.#buffer = buffer;
    }
    return this.#buffer;
  }
}

function sharedBufferOf(memory: WebAssembly.Memory): SharedArrayBuffer {
  const buffer: unknown = memory.buffer;
  if (buffer instanceof SharedArrayBuffer) return buffer;
  throw new MillraceError('ERR_BAD_HANDLE', 'Cannot use a WebAssembly memory that is not shared');
}
