/**
 * Managed buffers: memory with a life. What is kept from one use to the next is a `StoredBuffer`; who gets one
 * holds a `ManagedBuffer` of its own, so that whoever keeps that for too long harms nobody.
 *
 *   made ──▶ idle ──get──▶ in-use ──release──▶ returned ──▶ idle …
 *             │                                   ├──too old──▶ expired
 *             └──── too old, or unfit ────────────┴──unfit────▶ corrupted
 */
import { MillraceError } from '../errors.js';
import type { Slice } from '../slices/slice.js';
import type { BufferClass } from './buffer-class.js';
import type { BufferMemory } from './buffer-memory.js';

/**
 * - `idle`: in stock, or about to be; only factories see it so
 * - `in-use`: its user's
 * - `returned`: given back by its user
 * - `expired`: destroyed as it was too old
 * - `corrupted`: found or marked as unfit, and destroyed for that, or about to be
 */
export type BufferState = 'idle' | 'in-use' | 'returned' | 'expired' | 'corrupted';

/** What gives buffers out and takes them back. */
export interface BufferHome {
  /** What all homes of one manager have in common. */
  readonly ledger: { readonly onReturn: (() => void) | undefined };
  takeBack(buffer: ManagedBuffer): void;
  resize(buffer: ManagedBuffer, size: number): void;
}

/** The memory of a buffer, and what is known of it over all its uses. */
export class StoredBuffer {
  readonly id: number;
  readonly home: BufferHome;
  readonly bufferClass: BufferClass;
  readonly memory: BufferMemory;
  readonly memoryBytes: number;
  readonly capacity: number;
  readonly createdAt: number;
  /** Whether it may be kept: what may be of the reserve must go back there. */
  readonly lasting: boolean;
  lastUsed: number;
  useCount = 0;
  metadata: Map<string, unknown> | undefined = undefined;
  /** Bytes that its user has asked for. */
  size: number;
  /** Whether its user has been told of as a leak. */
  leaked = false;
  /** Whether this use of it is told of, where uses are sampled. */
  told = false;
  /** Those that were handed out before and after it: see `Loans`. */
  before: StoredBuffer | undefined = undefined;
  after: StoredBuffer | undefined = undefined;
  #view: Uint8Array | undefined = undefined;

  constructor(
    id: number,
    home: BufferHome,
    bufferClass: BufferClass,
    memory: BufferMemory,
    capacity: number,
    createdAt: number,
    lasting: boolean,
  ) {
    this.id = id;
    this.home = home;
    this.bufferClass = bufferClass;
    this.memory = memory;
    this.memoryBytes = memory.memoryBytes;
    this.capacity = capacity;
    this.size = capacity;
    this.createdAt = createdAt;
    this.lasting = lasting;
    this.lastUsed = createdAt;
  }

  /** The first `size` bytes. Making a view takes longer than a get, so the last one is kept. */
  view(size: number): Uint8Array {
    const view = this.#view;
    if (view !== undefined && view.byteLength === size) return view;
    const { bytes } = this.memory;
    if (bytes.byteLength < size) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot use ${size} bytes of buffer ${this.id} as its factory made ${bytes.byteLength}`,
      );
    }
    return (this.#view = bytes.byteLength === size ? bytes : bytes.subarray(0, size));
  }
}

export class ManagedBuffer {
  #stored: StoredBuffer;
  #state: BufferState;
  /** Whether its memory is still its own. */
  #open: boolean;

  /** For the pools. */
  constructor(stored: StoredBuffer) {
    this.#stored = stored;
    this.#state = 'idle';
    this.#open = true;
  }

  /** Of the memory: see `BufferEvent.bufferId`. */
  get id(): number {
    return this.#stored.id;
  }

  /**
   * The bytes, {@link size} of them. Their content is whatever the last user left, unless the factory's reset
   * clears it. A view that is kept after {@link release} touches somebody else's bytes.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  get bytes(): Uint8Array {
    return this.#own('use').view(this.#stored.size);
  }

  /** What the factory made: for factories, which see more than {@link size} bytes there. */
  get memory(): BufferMemory {
    return this.#own('use').memory;
  }

  /**
   * The slice that it is, for ops and other threads; `undefined` for private memory. The buffer is what releases it:
   * if it is released, resized or handed over otherwise, the buffer is corrupted.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}
   */
  get slice(): Slice | undefined {
    return this.#own('use').memory.slice;
  }

  /** Bytes that were asked for. */
  get size(): number {
    return this.#stored.size;
  }

  /** The most bytes that it can be resized to without moving. */
  get capacity(): number {
    return this.#stored.capacity;
  }

  /** Bytes of memory that it takes. */
  get memoryBytes(): number {
    return this.#stored.memoryBytes;
  }

  get class(): BufferClass {
    return this.#stored.bufferClass;
  }

  /** When its memory was made: milliseconds since 1970, or what the manager's clock says. */
  get createdAt(): number {
    return this.#stored.createdAt;
  }

  /** When it was last handed out or given back. */
  get lastUsed(): number {
    return this.#stored.lastUsed;
  }

  /** How often its memory was handed out. */
  get useCount(): number {
    return this.#stored.useCount;
  }

  get state(): BufferState {
    return this.#state;
  }

  /**
   * Whatever its user wants to note; a reset clears it.
   *
   * @throws MillraceError `ERR_SLICE_STALE` after {@link release}: the notes are the next user's
   */
  get metadata(): Map<string, unknown> {
    return (this.#own('note on').metadata ??= new Map());
  }

  /** Whether there is anything in {@link metadata}. */
  get hasMetadata(): boolean {
    const { metadata } = this.#stored;
    return metadata !== undefined && metadata.size > 0;
  }

  /**
   * Changes the size, and keeps the content up to the smaller one. Beyond {@link capacity} it moves to a
   * larger buffer, whose bytes are others.
   *
   * @throws MillraceError `ERR_SLICE_STALE`, `ERR_SIZE`; `ERR_POOL_EXHAUSTED`, and the buffer is as it was
   */
  resize(size: number): this {
    if (this.#state !== 'in-use' && this.#state !== 'corrupted') throw stale(this, 'resize');
    this.#own('resize').home.resize(this, size);
    return this;
  }

  /** Says that it must not be used again: it will be destroyed when it is released, and count as corrupted. */
  markCorrupted(): void {
    this.#own('mark');
    this.#state = 'corrupted';
  }

  /** @throws MillraceError `ERR_SLICE_STALE` when it was released before, and nothing is damaged by that */
  release(): void {
    const { home } = this.#own('release');
    home.takeBack(this);
    const { onReturn } = home.ledger;
    if (onReturn !== undefined) onReturn();
  }

  /** Releases it unless that was done. */
  [Symbol.dispose](): void {
    if (this.#open) this.release();
  }

  /** For the pools. */
  get stored(): StoredBuffer {
    return this.#stored;
  }

  /** For the pools: the state changes. */
  become(state: BufferState): void {
    this.#state = state;
  }

  /** For the pools: its memory is another's from now on. */
  close(): void {
    this.#open = false;
  }

  /** For the pools: each of the two stands for the memory of the other. */
  exchange(other: ManagedBuffer): void {
    const stored = this.#stored;
    this.#stored = other.#stored;
    other.#stored = stored;
  }

  #own(action: string): StoredBuffer {
    if (!this.#open) throw stale(this, action);
    return this.#stored;
  }
}

function stale({ id }: ManagedBuffer, action: string): MillraceError {
  return new MillraceError('ERR_SLICE_STALE', `Cannot ${action} buffer ${id} as it was returned`);
}
