/**
 * Who waits for a buffer. There is a line for each class and priority, and in each whoever came first is served
 * first: with a buffer that comes back, at once and before anybody else can ask; or with memory of the pools,
 * which somebody else has given back, on any thread.
 *
 *   release ──▶ critical │ high │ normal │ low ──▶ the first that can be served
 */
import { MillraceError } from '../errors.js';
import type { AcquireOptions } from '../pools/pool-options.js';
import type { Slice } from '../slices/slice.js';
import { Patience, type WaitLimits } from '../sync/patience.js';
import type { AllocOptions, AllocationPriority } from './alloc-options.js';
import type { BufferClass } from './buffer-class.js';
import type { ManagedBuffer } from './managed-buffer.js';

/** How a get that waits goes about it. */
export interface BufferWaitOptions extends AllocOptions, WaitLimits {}

/** What makes buffers. */
export interface BufferSource {
  /** A buffer, unless the pools are exhausted. */
  attempt(size: number, options: AllocOptions): ManagedBuffer | undefined;
  /** The class and bytes of the slice that it would be. */
  shapeOf(size: number, options: AllocOptions): { bufferClass: BufferClass; bytes: number };
}

/** Pools whose memory can be waited for. */
export interface AwaitedMemory {
  acquireAsync?(bytes: number, options?: AcquireOptions): Promise<Slice>;
}

interface Waiter {
  readonly size: number;
  readonly options: AllocOptions;
  readonly bytes: number;
  resolve(buffer: ManagedBuffer): void;
  reject(error: unknown): void;
}

interface Line {
  readonly rank: number;
  readonly waiters: Waiter[];
  /** Ends the wait for memory of the pools: somebody else is the first now. */
  leave: AbortController | undefined;
}

const RANKS: readonly AllocationPriority[] = ['critical', 'high', 'normal', 'low'];
/** How soon to look again when there was memory, but not for this: what `low` waits for may be there already. */
const LOOK_AGAIN_MS = 5;
/** Timers know no longer times. */
const LONGEST_MS = 2 ** 31 - 1;

export class BufferLine {
  readonly #source: BufferSource;
  readonly #memory: AwaitedMemory;
  readonly #onWaiting: (serve: (() => void) | undefined) => void;
  readonly #lines = new Map<string, Line>();
  #closed = false;

  /** @param onWaiting told how to serve those who wait when a buffer has come back, as long as there are any */
  constructor(
    source: BufferSource,
    memory: AwaitedMemory,
    onWaiting: (serve: (() => void) | undefined) => void,
  ) {
    this.#source = source;
    this.#memory = memory;
    this.#onWaiting = onWaiting;
  }

  /** How many wait. */
  get length(): number {
    let length = 0;
    for (const { waiters } of this.#lines.values()) length += waiters.length;
    return length;
  }

  /**
   * @throws MillraceError `ERR_SIZE`, `ERR_INVALID_ARG`, `ERR_OUT_OF_MEMORY`; `ERR_POOL_EXHAUSTED` when the time
   *   was up, `ERR_ABORTED`, `ERR_CLOSED`
   */
  async get(size: number, options: BufferWaitOptions): Promise<ManagedBuffer> {
    const patience = Patience.of(`get a buffer of ${size} bytes`, options);
    const { bufferClass, bytes } = this.#source.shapeOf(size, options);
    const { priority = 'normal' } = options;
    const key = `${bufferClass} ${priority}`;
    // Who was served last may have left an empty line behind.
    if (!this.#lines.get(key)?.waiters.length) {
      const buffer = this.#source.attempt(size, options);
      if (buffer) return buffer;
    }
    if (this.#closed) throw closed(size);
    if (patience.leftMs === 0) throw exhausted(size, patience.timeoutMs);
    return this.#stand(key, RANKS.indexOf(priority), { size, options, bytes }, patience);
  }

  /** Nobody waits any more, now and later. */
  close(): void {
    this.#closed = true;
    for (const line of this.#lines.values()) {
      for (const waiter of line.waiters.splice(0)) waiter.reject(closed(waiter.size));
      line.leave?.abort();
    }
  }

  #stand(
    key: string,
    rank: number,
    wanted: Pick<Waiter, 'size' | 'options' | 'bytes'>,
    patience: Patience,
  ): Promise<ManagedBuffer> {
    const line = this.#lines.get(key) ?? { rank, waiters: [], leave: undefined };
    const { signal } = patience;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let onAbort: (() => void) | undefined;
    const standing = new Promise<ManagedBuffer>((resolve, reject) => {
      const waiter = { ...wanted, resolve, reject };
      line.waiters.push(waiter);
      const leave = (error: unknown): void => {
        const place = line.waiters.indexOf(waiter);
        if (place < 0) return;
        line.waiters.splice(place, 1);
        if (place === 0) line.leave?.abort();
        reject(error);
      };
      onAbort = () => leave(patience.error('aborted'));
      signal?.addEventListener('abort', onAbort, { once: true });
      const look = (): void => {
        const { leftMs } = patience;
        if (leftMs === 0) leave(exhausted(wanted.size, patience.timeoutMs));
        else if (leftMs < Infinity) timer = setTimeout(look, Math.min(LONGEST_MS, leftMs));
      };
      look();
    });
    if (!this.#lines.has(key)) {
      this.#lines.set(key, line);
      this.#onWaiting(() => this.#serveAll());
      void this.#watch(key, line);
    }
    return standing.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort!);
    });
  }

  /** Serves those in `line` as memory of the pools comes back, until it is empty. */
  async #watch(key: string, line: Line): Promise<void> {
    for (let first = line.waiters[0]; first; first = line.waiters[0]) {
      await this.#memoryFor(first, line);
      this.#serve(line);
      if (line.waiters[0] === first) await this.#pause(line);
    }
    this.#lines.delete(key);
    if (this.#lines.size === 0) this.#onWaiting(undefined);
  }

  /** Resolves when the pools have a slice for `first`, or it is not the first any more. */
  async #memoryFor(first: Waiter, line: Line): Promise<void> {
    line.leave = new AbortController();
    const { signal } = line.leave;
    try {
      if (this.#memory.acquireAsync) {
        const urgent = first.options.priority === 'critical' ? 'critical' : 'normal';
        const options = { signal, priority: urgent } as const;
        // What lies free is taken at once by who serves it, on this very thread.
        (await this.#memory.acquireAsync(first.bytes, options)).release();
      } else {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
    } catch (error) {
      if (signal.aborted) return;
      line.waiters.shift();
      first.reject(error);
    }
  }

  #pause(line: Line): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_AGAIN_MS);
      line.leave = new AbortController();
      line.leave.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** A buffer has come back. */
  #serveAll(): void {
    const lines = [...this.#lines.values()].sort((a, b) => a.rank - b.rank);
    for (const line of lines) this.#serve(line);
  }

  #serve(line: Line): void {
    const before = line.waiters.length;
    for (let first = line.waiters[0]; first; first = line.waiters[0]) {
      try {
        const buffer = this.#source.attempt(first.size, first.options);
        if (!buffer) break;
        first.resolve(buffer);
      } catch (error) {
        first.reject(error);
      }
      line.waiters.shift();
    }
    if (line.waiters.length < before) line.leave?.abort();
  }
}

function exhausted(size: number, timeoutMs: number): MillraceError {
  return new MillraceError(
    'ERR_POOL_EXHAUSTED',
    `Cannot get a buffer of ${size} bytes within ${timeoutMs} ms as all memory for it is in use; raise "memory" or release buffers sooner`,
  );
}

function closed(size: number): MillraceError {
  return new MillraceError(
    'ERR_CLOSED',
    `Cannot wait for a buffer of ${size} bytes as the manager was closed`,
  );
}
