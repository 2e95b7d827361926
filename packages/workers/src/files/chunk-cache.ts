/**
 * The chunks of a mapped range that are in memory, and how others get there: within a bound, each read
 * once whoever asks for it, and those given up first that were used longest ago.
 *
 *   hold ──▶ there ──────────────────────────────────────────────▶ in use ──letGo──▶ clean or changed
 *     └────▶ wait for the turn ──▶ memory ──▶ read, neighbours in one call ──┘          │        │
 *                                    ▲ └── the pools'                               taken up   written back
 *                                    └──────────────────────────────────────────────────┴────────┘
 *
 * Who waits for memory while it holds chunks could wait for one who does the same. So one at a time gets
 * memory, for all its chunks, and the others hold nothing meanwhile.
 */
import { MillraceError, type BufferPools, type MemoryGuard, type Slice } from '@millrace/core';
import { slotBytesFor } from '@millrace/core/internal';
import { MappedChunk } from './mapped-chunk.js';

export interface CacheTerms {
  readonly buffers: BufferPools;
  /** Tells how short memory is. */
  readonly memory: MemoryGuard;
  /** What is mapped, for errors. */
  readonly name: string;
  /** Of the whole range. */
  readonly byteLength: number;
  readonly chunkBytes: number;
  /** The most bytes that chunks take together. */
  readonly cacheBytes: number;
  /** How long to wait for memory. */
  readonly timeoutMs: number;
}

/** How chunks get their bytes, and where changed ones leave theirs. */
export interface ChunkFile {
  /** Reads `chunks`, which are neighbours. */
  read(chunks: readonly MappedChunk[]): Promise<void>;
  /** Writes the chunks that are changed and not in use. */
  writeSpare(): Promise<void>;
}

/** The most chunks that are read in one call. */
const MOST_PARTS = 64;

export class ChunkCache {
  evicted = 0;
  readonly #terms: CacheTerms;
  readonly #file: ChunkFile;
  readonly #most: number;
  /** Those used longest ago first. */
  readonly #chunks = new Map<number, MappedChunk>();
  /** Slices that it has, and of these the ones that no chunk lies in. */
  #slices = 0;
  readonly #spare: Slice[] = [];
  #turn: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #refused = false;
  /** Ends each of the waits under way. */
  readonly #waits = new Set<() => void>();

  constructor(terms: CacheTerms, file: ChunkFile) {
    this.#terms = terms;
    this.#file = file;
    this.#most = Math.max(1, Math.floor(terms.cacheBytes / slotBytesFor(terms.chunkBytes)));
  }

  get size(): number {
    return this.#chunks.size;
  }

  /** Bytes that it has of the pools. */
  get memoryBytes(): number {
    return this.#slices * slotBytesFor(this.#terms.chunkBytes);
  }

  /**
   * The chunks from `first` to `last`, read, and in use until {@link letGo}.
   *
   * @throws MillraceError `ERR_READ`, `ERR_INPUT_CHANGED`, `ERR_WRITE`, `ERR_POOL_EXHAUSTED`, `ERR_ABORTED`,
   *   `ERR_CLOSED`, `ERR_SIZE`
   */
  async hold(first: number, last: number, signal?: AbortSignal): Promise<MappedChunk[]> {
    this.#check(signal);
    if (last - first >= this.#most) throw this.#tooLarge(last - first + 1);
    const there = this.#holdThere(first, last);
    const held = there ?? (await this.#inTurn(signal, () => this.#holdAnyhow(first, last, signal)));
    try {
      const loading = held.flatMap((chunk) => chunk.loading ?? []);
      if (loading.length > 0) await this.#unlessStopped(Promise.all(loading), signal);
      this.#check(signal);
      return held;
    } catch (error) {
      for (const chunk of held) this.letGo(chunk);
      throw error;
    }
  }

  letGo(chunk: MappedChunk): void {
    if (--chunk.uses > 0) return;
    if (chunk.gone) {
      this.#giveBack(chunk.slice);
    } else {
      this.#chunks.delete(chunk.index);
      this.#chunks.set(chunk.index, chunk);
    }
    this.#wake?.();
  }

  /** What has been changed, in order; in use from now on. @param spare only what nobody else uses */
  holdChanged(spare: boolean): MappedChunk[] {
    const changed = [...this.#chunks.values()].filter(
      ({ dirty, uses }) => dirty && !(spare && uses > 0),
    );
    for (const chunk of changed) chunk.uses++;
    return changed.sort((a, b) => a.index - b.index);
  }

  get changed(): number {
    return [...this.#chunks.values()].filter(({ dirty }) => dirty).length;
  }

  /** Gives the memory back of all that is neither changed nor in use; returns how many chunks that were. */
  evict(): number {
    const idle = [...this.#chunks.values()].filter(({ uses, dirty }) => uses === 0 && !dirty);
    for (const chunk of idle) this.#giveBack(this.#takeUp(chunk));
    return idle.length;
  }

  /** Nobody gets a chunk any more. */
  refuse(): void {
    this.#refused = true;
    for (const leave of this.#waits) leave();
  }

  /** Gives all memory back, whatever was changed; what is in use, when it is let go. */
  close(): void {
    this.refuse();
    for (const chunk of this.#chunks.values()) {
      chunk.gone = true;
      if (chunk.uses === 0) this.#giveBack(chunk.slice);
    }
    this.#chunks.clear();
    for (const slice of this.#spare.splice(0)) this.#giveBack(slice);
  }

  /** The chunks, in use, if all are there. */
  #holdThere(first: number, last: number): MappedChunk[] | undefined {
    const held: MappedChunk[] = [];
    for (let index = first; index <= last; index++) {
      const chunk = this.#chunks.get(index);
      if (!chunk) return undefined;
      held.push(chunk);
    }
    for (const chunk of held) chunk.uses++;
    return held;
  }

  async #holdAnyhow(first: number, last: number, signal?: AbortSignal): Promise<MappedChunk[]> {
    const { byteLength, chunkBytes } = this.#terms;
    const held: MappedChunk[] = [];
    const missing: number[] = [];
    for (let index = first; index <= last; index++) {
      const chunk = this.#chunks.get(index);
      if (!chunk) missing.push(index);
      else {
        chunk.uses++;
        held.push(chunk);
      }
    }
    const slices: Slice[] = [];
    try {
      while (slices.length < missing.length) slices.push(await this.#obtain(signal));
      this.#check(signal);
    } catch (error) {
      for (const slice of slices) this.#spareOne(slice);
      for (const chunk of held) this.letGo(chunk);
      throw error;
    }
    const made = missing.map((index, at) => {
      const length = Math.min(chunkBytes, byteLength - index * chunkBytes);
      return new MappedChunk(index, slices[at]!, length);
    });
    for (const chunk of made) {
      chunk.uses++;
      this.#chunks.set(chunk.index, chunk);
    }
    for (const run of neighbours(made)) this.#load(run);
    return [...held, ...made].sort((a, b) => a.index - b.index);
  }

  /** Has `run` read, which is in use meanwhile. What cannot be read is not kept: the next one tries again. */
  #load(run: readonly MappedChunk[]): void {
    const loading = this.#file.read(run).then(
      () => {
        for (const chunk of run) {
          chunk.loading = undefined;
          this.letGo(chunk);
        }
      },
      (error: unknown) => {
        for (const chunk of run) {
          if (!chunk.gone) this.#chunks.delete(chunk.index);
          chunk.gone = true;
          this.letGo(chunk);
        }
        throw error;
      },
    );
    // Those who wait for it are told; there may be none any more.
    loading.catch(() => {});
    for (const chunk of run) {
      chunk.uses++;
      chunk.loading = loading;
    }
  }

  /** Memory for a chunk. */
  async #obtain(signal: AbortSignal | undefined): Promise<Slice> {
    const { memory, timeoutMs } = this.#terms;
    const startedAt = performance.now();
    for (;;) {
      this.#check(signal);
      const spare = this.#spare.pop();
      if (spare) return spare;
      const short = memory.pressure !== 'normal';
      const slice = short ? (this.#reuse() ?? this.#lease()) : (this.#lease() ?? this.#reuse());
      if (slice) return slice;
      if ([...this.#chunks.values()].some(({ dirty, uses }) => dirty && uses === 0)) {
        await this.#file.writeSpare();
        continue;
      }
      const leftMs = startedAt + timeoutMs - performance.now();
      if (leftMs <= 0) throw this.#exhausted();
      await this.#news(leftMs, signal);
    }
  }

  /** One more of the pools, if there may be. */
  #lease(): Slice | undefined {
    if (this.#slices >= this.#most) return undefined;
    const slice = this.#terms.buffers.tryAcquire(this.#terms.chunkBytes);
    if (slice) this.#slices++;
    return slice;
  }

  /** That of a chunk which can be read again. */
  #reuse(): Slice | undefined {
    for (const chunk of this.#chunks.values()) {
      if (chunk.uses === 0 && !chunk.dirty) return this.#takeUp(chunk);
    }
    return undefined;
  }

  #takeUp(chunk: MappedChunk): Slice {
    this.#chunks.delete(chunk.index);
    chunk.gone = true;
    this.evicted++;
    return chunk.slice;
  }

  /** For the next who needs one, as long as there may be any. */
  #spareOne(slice: Slice): void {
    if (this.#refused) this.#giveBack(slice);
    else this.#spare.push(slice);
  }

  #giveBack(slice: Slice): void {
    this.#slices--;
    slice.release();
  }

  /** Resolves when a chunk has been let go, the pools have a slice for one more, or the time is up. */
  async #news(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const leaving = new AbortController();
    const leave = (): void => leaving.abort();
    this.#waits.add(leave);
    signal?.addEventListener('abort', leave);
    const timer = setTimeout(leave, timeoutMs);
    this.#wake = leave;
    try {
      if (this.#slices >= this.#most) {
        await new Promise((resolve) => leaving.signal.addEventListener('abort', resolve));
        return;
      }
      const { buffers, chunkBytes } = this.#terms;
      const slice = await buffers.acquireAsync(chunkBytes, { signal: leaving.signal });
      this.#slices++;
      this.#spareOne(slice);
    } catch (error) {
      if (!leaving.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
      this.#waits.delete(leave);
      signal?.removeEventListener('abort', leave);
      this.#wake = undefined;
    }
  }

  /** Does `work` when those before have done theirs. */
  async #inTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let pass!: () => void;
    this.#turn = new Promise((resolve) => (pass = resolve));
    try {
      await this.#unlessStopped(before, signal);
      return await work();
    } finally {
      void before.then(pass);
    }
  }

  /** @throws MillraceError `ERR_ABORTED`, `ERR_CLOSED`, or what `pending` rejects with */
  async #unlessStopped<T>(pending: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    let leave!: () => void;
    const stopped = new Promise<void>((resolve) => (leave = resolve));
    this.#waits.add(leave);
    signal?.addEventListener('abort', leave);
    try {
      const result = await Promise.race([pending, stopped.then(() => this.#check(signal))]);
      return result as T;
    } finally {
      this.#waits.delete(leave);
      signal?.removeEventListener('abort', leave);
    }
  }

  #check(signal: AbortSignal | undefined): void {
    const { name } = this.#terms;
    if (signal?.aborted) {
      throw new MillraceError('ERR_ABORTED', `Cannot view ${name} as its signal was aborted`, {
        cause: signal.reason,
      });
    }
    if (!this.#refused) return;
    throw new MillraceError('ERR_CLOSED', `Cannot view ${name} as it was closed`);
  }

  #tooLarge(count: number): MillraceError {
    const { name, chunkBytes } = this.#terms;
    return new MillraceError(
      'ERR_SIZE',
      `Cannot view ${count} chunks of ${chunkBytes} bytes of ${name} at a time as "cacheBytes" has room for ${this.#most}`,
    );
  }

  #exhausted(): MillraceError {
    const { name, timeoutMs, buffers } = this.#terms;
    const why =
      this.#slices >= this.#most
        ? `all ${this.#most} that "cacheBytes" has room for were in use; release parts sooner`
        : `no memory was free, "memory" being ${buffers.memoryBytes}; raise "memory" or release slices sooner`;
    return new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot read a chunk of ${name} as for ${timeoutMs} ms ${why}`,
    );
  }
}

/** Those that stand side by side, together; as many as one call takes. */
function* neighbours(chunks: readonly MappedChunk[]): Generator<readonly MappedChunk[]> {
  let run: MappedChunk[] = [];
  for (const chunk of chunks) {
    const last = run.at(-1);
    if (last && (chunk.index !== last.index + 1 || run.length === MOST_PARTS)) {
      yield run;
      run = [];
    }
    run.push(chunk);
  }
  if (run.length > 0) yield run;
}
