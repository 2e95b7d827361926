/**
 * A kernel: a WebAssembly module that works on slices where they lie.
 *
 *   arena 0     │ slice │ slice │ …    ◀── one instance in each thread, whose memory is the arena itself
 *   arena 1     │ slice │ …            ◀── another instance
 *   its own     │ copy │ copy │        ◀── for bytes that lie in no arena, or not all in one
 *
 * Arenas are shared WebAssembly memory, so the address of a view is its `byteOffset`. A memory only grows,
 * and by the time a thread has a view onto an arena, its engine knows that the arena reaches so far.
 */
import { MillraceError } from '@millrace/core';
import { memoryOf } from '@millrace/core/internal';
import { loadModule } from './kernel-module.js';

/** What one thread's kernel has done so far. */
export interface KernelStats {
  /** Calls of {@link Kernel.on}. */
  calls: number;
  /** Calls whose views were copied in and out, and how many bytes that were, counted once. */
  copiedCalls: number;
  copiedBytes: number;
  /** Instances made: one for each arena that was met, and one for copies. */
  instances: number;
}

const PAGE_BYTES = 65_536;
/** The most pages of the memory for copies: address range, until it is needed. */
const MOST_PAGES = 16_384;
/** A copy's address modulo this is that of the original, so that what was aligned is. */
const ALIGNMENT = 64;

/** Neighbouring bytes that are copied as one: views that overlap in their arena do so in the copy. */
interface Span {
  /** The arena's memory, or else the buffer: growth makes other buffers over the same memory. */
  readonly of: object;
  buffer: ArrayBufferLike;
  readonly from: number;
  to: number;
  at: number;
}

interface Own {
  readonly memory: WebAssembly.Memory;
  readonly exports: WebAssembly.Exports;
}

export class Kernel<E extends object> {
  readonly #url: string;
  readonly #stats: KernelStats = { calls: 0, copiedCalls: 0, copiedBytes: 0, instances: 0 };
  #module: WebAssembly.Module | undefined;
  /** Weak, so that an arena that is dropped takes its instance along. */
  readonly #instances = new WeakMap<WebAssembly.Memory, WebAssembly.Exports>();
  readonly #known = new WeakMap<ArrayBufferLike, WebAssembly.Exports>();
  #own: Own | undefined;
  /** Where the memory for copies is free: a call within a call comes behind its caller's copies. */
  #top = 0;

  /**
   * A kernel, for ops to call. It is compiled when a thread first needs it.
   *
   * ```ts
   * const gray = new Kernel<{ gray(at: number, pixels: number): void }>(
   *   new URL('./gray.wasm', import.meta.url),
   * );
   * export const grayscale = defineOp(import.meta.url, 'grayscale', {
   *   inPlace: true,
   *   run: (bytes) => gray.on([bytes], (wasm, at) => wasm.gray(at, bytes.length / 4)),
   * });
   * ```
   *
   * The module imports `env.memory`, shared, with a maximum of 65536 pages, and nothing else; it touches no
   * address that it is not given. From AssemblyScript: `--runtime stub --importMemory --sharedMemory
   * --noExportMemory --initialMemory 1 --maximumMemory 65536 --enable threads,simd --noAssert`.
   *
   * @param url the module's file
   */
  constructor(url: URL | string) {
    this.#url = String(url);
  }

  /**
   * Calls `use` with the kernel's exports and the addresses of `views`, in their order.
   *
   * Nothing is copied when all views lie in one arena, as an op's input and output do wherever there is
   * room. Others, and those that are not in shared WebAssembly memory at all, are copied to a memory
   * of the kernel's own before, and back after: the result is the same, and {@link stats} tells.
   *
   * @param views of bytes or of numbers, read or written or both; nothing else may be touched
   * @param use must be done when it returns: exports and addresses are of no use after that
   * @returns what `use` returns
   * @throws MillraceError `ERR_KERNEL` for a module that cannot be used; `ERR_ARENA_UNAVAILABLE` when
   *   there is no memory for the copies; and what `use` throws
   */
  on<R>(views: readonly ArrayBufferView[], use: (exports: E, ...at: number[]) => R): R {
    this.#stats.calls++;
    const exports = this.#exportsFor(views);
    if (!exports) return this.#onCopies(views, use);
    return use(exports as E, ...views.map((view) => view.byteOffset));
  }

  /** What this kernel has done so far in the calling thread. */
  stats(): KernelStats {
    return { ...this.#stats };
  }

  /** The instance on the arena in which all views lie, if there is one. */
  #exportsFor(views: readonly ArrayBufferView[]): WebAssembly.Exports | undefined {
    let common: WebAssembly.Exports | undefined;
    for (const view of views) {
      // Of no bytes any address will do.
      if (view.byteLength === 0) continue;
      const exports = this.#known.get(view.buffer) ?? this.#meet(view);
      if (!exports || (common && common !== exports)) return undefined;
      common = exports;
    }
    return common;
  }

  #meet(view: ArrayBufferView): WebAssembly.Exports | undefined {
    const memory = memoryOf(view);
    if (!memory) return undefined;
    let exports = this.#instances.get(memory);
    if (!exports) this.#instances.set(memory, (exports = this.#instantiate(memory)));
    this.#known.set(view.buffer, exports);
    return exports;
  }

  #onCopies<R>(views: readonly ArrayBufferView[], use: (exports: E, ...at: number[]) => R): R {
    const before = this.#top;
    const spans = spansOf(views, before);
    const end = Math.max(before, ...spans.map(({ at, from, to }) => at + to - from));
    const { memory, exports } = this.#ownFor(end);
    const bytes = new Uint8Array(memory.buffer);
    for (const { buffer, from, to, at } of spans) {
      bytes.set(new Uint8Array(buffer, from, to - from), at);
      this.#stats.copiedBytes += to - from;
    }
    this.#stats.copiedCalls++;
    this.#top = end;
    try {
      return use(exports as E, ...views.map((view) => addressIn(spans, view)));
    } finally {
      this.#top = before;
      for (const { buffer, from, to, at } of spans) {
        new Uint8Array(buffer, from, to - from).set(bytes.subarray(at, at + to - from));
      }
    }
  }

  /** The instance on a memory of its own that holds `size` bytes. */
  #ownFor(size: number): Own {
    const pages = Math.ceil(size / PAGE_BYTES);
    try {
      if (!this.#own) {
        const memory = new WebAssembly.Memory({
          initial: Math.max(1, pages),
          maximum: MOST_PAGES,
          shared: true,
        });
        this.#own = { memory, exports: this.#instantiate(memory) };
      }
      const { memory } = this.#own;
      const has = memory.buffer.byteLength / PAGE_BYTES;
      if (pages > has) memory.grow(pages - has);
      return this.#own;
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause;
      throw new MillraceError(
        'ERR_ARENA_UNAVAILABLE',
        `Cannot copy ${size} bytes for the kernel ${this.#url} as there is no memory for them`,
        { cause },
      );
    }
  }

  #instantiate(memory: WebAssembly.Memory): WebAssembly.Exports {
    this.#module ??= loadModule(this.#url);
    try {
      const { exports } = new WebAssembly.Instance(this.#module, { env: { memory } });
      this.#stats.instances++;
      return exports;
    } catch (cause) {
      throw new MillraceError(
        'ERR_KERNEL',
        `Cannot use the kernel ${this.#url} on shared memory; declare env.memory as shared, with a minimum of 1 page and a maximum of 65536: ${String(cause)}`,
        { cause },
      );
    }
  }
}

/** What is to be copied of `views`, and to which addresses from `base` on. */
function spansOf(views: readonly ArrayBufferView[], base: number): Span[] {
  const spans: Span[] = [];
  for (const view of [...views].sort((a, b) => a.byteOffset - b.byteOffset)) {
    if (view.byteLength === 0) continue;
    const { buffer, byteOffset: from } = view;
    const to = from + view.byteLength;
    const of = memoryOf(view) ?? buffer;
    const last = spans.findLast((span) => span.of === of);
    if (!last || from >= last.to) spans.push({ of, buffer, from, to, at: 0 });
    else if (to > last.to) {
      last.buffer = buffer;
      last.to = to;
    }
  }
  let free = base;
  for (const span of spans) {
    span.at = Math.ceil(free / ALIGNMENT) * ALIGNMENT + (span.from % ALIGNMENT);
    free = span.at + span.to - span.from;
  }
  return spans;
}

/** Where the copy of `view` lies; anywhere for a view of no bytes. */
function addressIn(spans: readonly Span[], view: ArrayBufferView): number {
  const of = memoryOf(view) ?? view.buffer;
  const at = view.byteOffset;
  const span = spans.find((each) => each.of === of && each.from <= at && at < each.to);
  return span ? span.at + at - span.from : 0;
}
