/**
 * A range of a file, mapped into slices: read when it is first looked at, changed where it lies, and written
 * back when it is flushed. As a system's own mapping does, but in the memory of the mill's pools, which its
 * threads and kernels work in; and within a bound, so that it may be larger than all memory.
 *
 *   file    ──────┤▓▓▓▓▓▓▓│▓▓▓▓▓▓▓│▓▓▓▓▓▓▓│▓▓▓▓▓▓▓│▓▓▓├──────
 *              start  │                       │       end
 *   slices         [▓▓▓▓▓▓▓]               [▓▓▓▓▓▓▓]            chunks, as many as "cacheBytes" has room for
 */
import { fileURLToPath } from 'node:url';
import { MillraceError, type BufferPools, type MemoryManager } from '@millrace/core';
import { PAGE_BYTES } from '@millrace/core/internal';
import { ChunkCache } from './chunk-cache.js';
import { checkedMap, type CheckedMap, type MapMode, type MapOptions } from './map-options.js';
import type { MappedChunk } from './mapped-chunk.js';
import { MappedFile } from './mapped-file.js';
import { MappedPart, type HeldStretch } from './mapped-part.js';
import { WriteBack } from './write-back.js';

export interface ViewOptions {
  /** Ends the wait for memory and for the file, with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

export interface FlushOptions {
  /** Also waits until the system has it on the disk (`fdatasync`). @defaultValue false */
  readonly sync?: boolean;
}

export interface CloseOptions {
  /** Whether changes are written first; else they are lost. @defaultValue true */
  readonly flush?: boolean;
}

export interface MappedRangeStats {
  /** In memory. */
  readonly chunks: number;
  /** Of these with changes that may not be in the file. */
  readonly changed: number;
  /** Bytes of slices that it has of the pools. */
  readonly memoryBytes: number;
  /** Calls of the system that read, and chunks that came by these. */
  readonly reads: number;
  readonly chunksRead: number;
  /** Calls of the system that wrote, and their bytes. */
  readonly writes: number;
  readonly bytesWritten: number;
  /** Chunks that gave their memory up. */
  readonly evicted: number;
}

/** What ranges are mapped by. */
export interface Mapper {
  readonly buffers: BufferPools;
  readonly memory: Pick<MemoryManager, 'pressure' | 'requireMemory' | 'onPressure'>;
  /** How long to wait for memory. */
  readonly timeoutMs: number;
}

/** @throws as `Mill.mapFile` does */
export async function mapFile(
  mapper: Mapper,
  path: string | URL,
  options: MapOptions = {},
): Promise<MappedRange> {
  const terms = checkedMap(options, mapper.buffers);
  const name = path instanceof URL ? fileURLToPath(path) : path;
  const { mode, direct, start, signal } = terms;
  const writable = mode === 'read-write';
  checkSignal(signal, name);
  const file = await MappedFile.open(name, mapper.buffers, { writable, direct, start });
  try {
    checkSignal(signal, name);
    const size = await file.size();
    const { end = size } = terms;
    if (start > end || (end > size && !writable)) throw beyond(name, start, end, size);
    if (end > size) await file.extend(end);
    return new MappedRange(mapper, file, terms, end);
  } catch (error) {
    await file.close();
    throw error;
  }
}

export class MappedRange implements AsyncDisposable {
  /** Where it begins in the file. */
  readonly start: number;
  /** Where it ends in the file. */
  readonly end: number;
  readonly mode: MapMode;
  /** Bytes that are read at a time, counted from {@link start}; a view within one chunk has its bytes in one piece. */
  readonly chunkBytes: number;
  readonly #file: MappedFile;
  readonly #buffers: BufferPools;
  readonly #cache: ChunkCache;
  readonly #back: WriteBack;
  readonly #endRelief: () => void;
  #reads = 0;
  #chunksRead = 0;
  #closing: Promise<void> | undefined;

  /** Use `Mill.mapFile`. */
  constructor(
    { buffers, memory, timeoutMs }: Mapper,
    file: MappedFile,
    { start, mode, chunkBytes: most, cacheBytes }: CheckedMap,
    end: number,
  ) {
    const byteLength = end - start;
    const pages = Math.max(1, Math.ceil(byteLength / PAGE_BYTES));
    const chunkBytes = Math.min(most, pages * PAGE_BYTES);
    this.start = start;
    this.end = end;
    this.mode = mode;
    this.chunkBytes = chunkBytes;
    this.#file = file;
    this.#buffers = buffers;
    this.#back = new WriteBack(file, start, chunkBytes);
    const name = file.path;
    const terms = { buffers, memory, name, byteLength, chunkBytes, cacheBytes, timeoutMs };
    this.#cache = new ChunkCache(terms, {
      read: (chunks) => this.#read(chunks),
      writeSpare: () => this.#writeBack(true, false).then(() => {}),
    });
    this.#endRelief = memory.onPressure(({ pressure }) => {
      if (pressure !== 'normal') this.evict();
    });
  }

  get byteLength(): number {
    return this.end - this.start;
  }

  /** Whether the file is read and written past the system's page cache. */
  get direct(): boolean {
    return this.#file.direct;
  }

  /** What was not done as it was asked for, and why: each a sentence. */
  get notes(): readonly string[] {
    return this.#file.notes;
  }

  /**
   * Bytes to be read: from `start` to `end`, counted from the beginning of the range. What of them is not in
   * memory is read from the file, once for all who ask. They stay until the part is released.
   *
   * @param start @defaultValue 0
   * @param end @defaultValue all of the range
   * @throws MillraceError `ERR_INVALID_ARG` when that is not within the range; `ERR_SIZE` when it is more than
   *   `cacheBytes` has room for; `ERR_READ`; `ERR_INPUT_CHANGED` when the file has become too short;
   *   `ERR_POOL_EXHAUSTED` when no memory was free for `acquireTimeoutMs` of the mill; `ERR_WRITE` when changes
   *   had to make room and could not be written, which are kept; `ERR_ABORTED`, `ERR_CLOSED`
   */
  async view(start = 0, end = this.byteLength, options: ViewOptions = {}): Promise<MappedPart> {
    const held = await this.#hold('view', start, end, options);
    return new MappedPart(this.#buffers, start, end, held, () => this.#letGo(held));
  }

  /**
   * Like {@link view}, to be changed: by you, or by an op that works in place. As long as the part is held
   * each flush writes it, and after its release one more does.
   *
   * @throws MillraceError as {@link view} does; `ERR_INVALID_ARG` when the range was mapped to be read
   */
  async edit(start = 0, end = this.byteLength, options: ViewOptions = {}): Promise<MappedPart> {
    if (this.mode === 'read') {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot edit ${this.#file.path} as it was mapped with "mode" of read`,
      );
    }
    const held = await this.#hold('edit', start, end, options);
    for (const { chunk, stretch } of held) chunk.beginEdit(stretch);
    return new MappedPart(this.#buffers, start, end, held, () => {
      for (const { chunk, stretch } of held) chunk.endEdit(stretch);
      this.#letGo(held);
    });
  }

  /**
   * Writes to the file what has been changed and not written yet. What cannot be written stays changed, for
   * the next flush.
   *
   * @returns how many bytes were written
   * @throws MillraceError `ERR_WRITE`; `ERR_INPUT_CHANGED` when the file has become too short; `ERR_CLOSED`
   */
  async flush({ sync = false }: FlushOptions = {}): Promise<number> {
    if (this.#closing) {
      throw new MillraceError('ERR_CLOSED', `Cannot flush ${this.#file.path} as it was closed`);
    }
    return this.#writeBack(false, sync);
  }

  /**
   * Gives the memory back of what is neither changed nor held: it is read again when somebody looks, and so
   * shows what others have written since. By itself that happens when memory is short.
   *
   * @returns how many chunks that were
   */
  evict(): number {
    return this.#cache.evict();
  }

  /** A plain object. */
  stats(): MappedRangeStats {
    return {
      chunks: this.#cache.size,
      changed: this.#cache.changed,
      memoryBytes: this.#cache.memoryBytes,
      reads: this.#reads,
      chunksRead: this.#chunksRead,
      writes: this.#back.writes,
      bytesWritten: this.#back.bytesWritten,
      evicted: this.#cache.evicted,
    };
  }

  /**
   * Writes what has been changed, closes the file and gives all memory back, whatever the outcome: that of
   * parts which are still held, when these are released. What is changed in them after this is not written.
   *
   * @throws MillraceError as {@link flush} does, and the changes are lost: whoever wants to try again flushes
   *   before
   */
  close({ flush = true }: CloseOptions = {}): Promise<void> {
    return (this.#closing ??= this.#close(flush));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(flush: boolean): Promise<void> {
    this.#cache.refuse();
    this.#endRelief();
    try {
      if (flush) await this.#writeBack(false, false);
    } finally {
      // Nothing reads or writes the slices after that.
      await this.#file.close();
      this.#cache.close();
    }
  }

  async #hold(
    action: string,
    start: number,
    end: number,
    { signal }: ViewOptions,
  ): Promise<HeldStretch[]> {
    const { byteLength, chunkBytes } = this;
    const isPlace = (at: number): boolean => Number.isInteger(at) && at >= 0 && at <= byteLength;
    if (!isPlace(start) || !isPlace(end) || start > end) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot ${action} bytes ${String(start)} to ${String(end)} of ${this.#file.path} as the range has ${byteLength}`,
      );
    }
    const first = Math.floor(start / chunkBytes);
    const last = Math.ceil(end / chunkBytes) - 1;
    const chunks = await this.#cache.hold(first, start === end ? first - 1 : last, signal);
    return chunks.map((chunk) => {
      const at = chunk.index * chunkBytes;
      const stretch = { from: Math.max(0, start - at), to: Math.min(chunk.length, end - at) };
      return { chunk, stretch };
    });
  }

  #letGo(held: readonly HeldStretch[]): void {
    for (const { chunk } of held) this.#cache.letGo(chunk);
  }

  async #read(chunks: readonly MappedChunk[]): Promise<void> {
    const position = this.start + chunks[0]!.index * this.chunkBytes;
    const into = chunks.map(({ slice, length }) =>
      slice.bytes.subarray(0, Math.ceil(length / PAGE_BYTES) * PAGE_BYTES),
    );
    const wanted = chunks.reduce((sum, { length }) => sum + length, 0);
    const got = await this.#file.read(into, position);
    this.#reads++;
    this.#chunksRead += chunks.length;
    if (got >= wanted) return;
    throw new MillraceError(
      'ERR_INPUT_CHANGED',
      `Cannot read ${this.#file.path} up to byte ${position + wanted} as it has become ${position + got} bytes long since it was mapped`,
    );
  }

  /** @param spare only what nobody uses */
  async #writeBack(spare: boolean, sync: boolean): Promise<number> {
    let chunks: readonly MappedChunk[] = [];
    try {
      return await this.#back.run(() => (chunks = this.#cache.holdChanged(spare)), sync);
    } finally {
      for (const chunk of chunks) this.#cache.letGo(chunk);
    }
  }
}

function checkSignal(signal: AbortSignal | undefined, name: string): void {
  if (!signal?.aborted) return;
  throw new MillraceError('ERR_ABORTED', `Cannot map ${name} as its signal was aborted`, {
    cause: signal.reason,
  });
}

function beyond(name: string, start: number, end: number, size: number): MillraceError {
  return new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot map bytes ${start} to ${end} of ${name} as it has ${size}: with "mode" of read-write it could be made longer`,
  );
}
