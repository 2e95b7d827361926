/**
 * Lending off the hot path: with options, of runs of slabs, from the reserve, near another slice, and when one has
 * to wait.
 */
import { MillraceError } from '../errors.js';
import { CLASS_COUNT, LARGEST_CLASS_BYTES, classOf } from '../memory/size-classes.js';
import type { SlabRange } from '../slices/free-list.js';
import { Slice, type SliceHandle } from '../slices/slice.js';
import type { AcquireOptions } from './pool-options.js';
import type { PoolRoom } from './pool-room.js';

export class Lending {
  readonly #room: PoolRoom;
  readonly #memoryBytes: number;

  /** @param memoryBytes for errors: the most that slices may take together */
  constructor(room: PoolRoom, memoryBytes: number) {
    this.#room = room;
    this.#memoryBytes = memoryBytes;
  }

  /** As `BufferPools.acquire`. */
  acquire(bytes: number, options: AcquireOptions): Slice {
    const attempt = (): Slice | undefined => this.#attempt(bytes, options);
    const slice = attempt();
    if (slice) return slice;
    const { timeoutMs = 0 } = options;
    if (timeoutMs === 0) throw this.#exhausted(bytes, 0);
    try {
      return this.#room.waiting.wait(lineOf(bytes), attempt, { ...options, timeoutMs });
    } catch (error) {
      throw this.#inTime(error, bytes, timeoutMs);
    }
  }

  /** As `BufferPools.acquireAsync`. */
  async acquireAsync(bytes: number, options: AcquireOptions): Promise<Slice> {
    const line = lineOf(bytes);
    const attempt = (): Slice | undefined => this.#attempt(bytes, options);
    const first = this.#room.waiting.busy(line) ? undefined : attempt();
    if (first) return first;
    this.#room.check(bytes);
    try {
      return await this.#room.waiting.waitAsync(line, attempt, options);
    } catch (error) {
      throw this.#inTime(error, bytes, options.timeoutMs);
    }
  }

  /** A slice, if one is free now. @throws MillraceError `ERR_SIZE` */
  lease(bytes: number, critical: boolean, near?: SliceHandle): Slice | undefined {
    const slice =
      bytes > LARGEST_CLASS_BYTES
        ? this.#leaseRun(bytes, critical)
        : this.#leaseSlot(bytes, critical);
    return slice && near ? this.#nearer(slice, near) : slice;
  }

  #attempt(bytes: number, { priority, near }: AcquireOptions): Slice | undefined {
    return this.lease(bytes, priority === 'critical', near);
  }

  #leaseSlot(bytes: number, critical: boolean): Slice | undefined {
    const sizeClass = classOf(bytes);
    const slice = this.#room.pools[sizeClass]!.lend(bytes);
    if (slice !== undefined || !critical) return slice;
    return this.#room.pools[sizeClass + CLASS_COUNT]!.lend(bytes);
  }

  #leaseRun(
    bytes: number,
    critical: boolean,
    watched = false,
    within?: SlabRange,
  ): Slice | undefined {
    for (;;) {
      const ref = this.#room.acquireRun(bytes, critical, within);
      if (ref === undefined) return undefined;
      const { count, runs } = this.#room;
      const { lease } = runs;
      const watch = watched || count.due ? this.#room.watcher?.begin(ref, lease, bytes) : undefined;
      if (watch !== null) return new Slice(this.#room, ref, lease, bytes, watch);
    }
  }

  /** A slice of the same size in the arena of `near`, or else `slice` itself. */
  #nearer(slice: Slice, near: SliceHandle): Slice {
    const { byteLength } = slice;
    const watched = slice.watch !== undefined;
    const arena = this.#room.arenaOf(near.ref);
    if (this.#room.arenaOf(slice.ref).from === arena.from) return slice;
    const nearer =
      byteLength > LARGEST_CLASS_BYTES
        ? this.#leaseRun(byteLength, false, watched, arena)
        : this.#room.pools[classOf(byteLength)]!.lendWithin(arena, byteLength, watched);
    if (!nearer) return slice;
    slice.release();
    return nearer;
  }

  #inTime(error: unknown, bytes: number, timeoutMs: number | undefined): unknown {
    const late = error instanceof MillraceError && error.code === 'ERR_TIMEOUT';
    return late ? this.#exhausted(bytes, timeoutMs ?? 0) : error;
  }

  #exhausted(bytes: number, afterMs: number): MillraceError {
    const within = afterMs > 0 ? ` within ${afterMs} ms` : '';
    return new MillraceError(
      'ERR_POOL_EXHAUSTED',
      `Cannot lease ${bytes} bytes${within} as no slot for them is free and all ${this.#memoryBytes} bytes are in use; raise "memory" or release slices sooner`,
    );
  }
}

/** The line in which a slice of `bytes` bytes is waited for. */
function lineOf(bytes: number): number {
  return bytes <= LARGEST_CLASS_BYTES ? classOf(bytes) : CLASS_COUNT - 1;
}
