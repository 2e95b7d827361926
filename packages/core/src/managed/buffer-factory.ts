/**
 * Buffer factories: where the memory of buffers comes from, whether it is fit, and where it goes.
 */
import { PrivateMemory, type MemoryGuard } from '../adaptive/private-memory.js';
import { slotBytesFor } from '../memory/size-classes.js';
import type { AcquireOptions } from '../pools/pool-options.js';
import type { Slice, SliceHandle } from '../slices/slice.js';
import type { BufferClass } from './buffer-class.js';
import type { BufferMemory } from './buffer-memory.js';
import type { ManagedBuffer } from './managed-buffer.js';

/** What kind of memory is wanted. */
export interface CreateTerms {
  /** Private memory, which will be used once; else what is to be kept, shared or handed to a kernel: a slice. */
  readonly direct: boolean;
  /** Whether the pools' reserve may be used. */
  readonly critical: boolean;
  /** In the arena of this slice, if there is room. */
  readonly near?: SliceHandle | undefined;
}

/** Where slices come from: `BufferPools`. */
interface SliceSource {
  acquire(bytes: number, options?: AcquireOptions): Slice;
}

/** Can be written by users: for memory of another kind, or with checks of their own. */
export interface BufferFactory {
  /**
   * Makes the memory of a buffer of `size` bytes.
   *
   * @throws MillraceError `ERR_POOL_EXHAUSTED` when none is to be had now: the manager then gives idle buffers back and
   *   asks again; whatever else it throws is the user's to see
   */
  create(bufferClass: BufferClass, size: number, terms: CreateTerms): BufferMemory;
  /** Whether a buffer may be used again; one that is not, or for which this throws, is corrupted. */
  validate(buffer: ManagedBuffer): boolean;
  /** Makes a buffer ready for its next user, before it goes into the stock; if this throws, it is corrupted. */
  reset(buffer: ManagedBuffer): void;
  /** Lets the memory of a buffer go. */
  destroy(buffer: ManagedBuffer): void;
}

/**
 * Makes buffers of slices, and direct ones of private memory. A buffer is fit as long as its slice is: one
 * that was released, resized or handed over under the buffer is not. A reset clears the metadata, and
 * leaves the bytes as they are.
 */
export class DefaultBufferFactory implements BufferFactory {
  readonly #pools: SliceSource;
  readonly #private: PrivateMemory;

  /** @param guard tells how much private memory may be taken. @defaultValue as much as the system gives */
  constructor(pools: SliceSource, guard?: MemoryGuard) {
    this.#pools = pools;
    this.#private = new PrivateMemory(guard, 0, 0);
  }

  create(_: BufferClass, size: number, { direct, critical, near }: CreateTerms): BufferMemory {
    if (direct) {
      const bytes = this.#private.allocate(size, 'size', size);
      return { bytes, memoryBytes: size, slice: undefined };
    }
    const slice =
      critical || near
        ? this.#pools.acquire(size, {
            ...(critical && { priority: 'critical' }),
            ...(near && { near }),
          })
        : this.#pools.acquire(size);
    return new SliceMemory(slice);
  }

  validate(buffer: ManagedBuffer): boolean {
    const { slice } = buffer;
    return slice === undefined || (slice.byteLength === buffer.capacity && slice.live);
  }

  reset(buffer: ManagedBuffer): void {
    if (buffer.hasMetadata) buffer.metadata.clear();
  }

  destroy({ slice }: ManagedBuffer): void {
    if (slice?.live) slice.release();
  }
}

class SliceMemory implements BufferMemory {
  readonly slice: Slice;
  readonly memoryBytes: number;

  constructor(slice: Slice) {
    this.slice = slice;
    this.memoryBytes = slotBytesFor(slice.byteLength);
  }

  get bytes(): Uint8Array {
    return this.slice.bytes;
  }
}
