/**
 * The works of a home of buffers: makes them, looks whether they are fit, unmakes them, and keeps count.
 */
import { MillraceError } from '../errors.js';
import type { BufferClass } from './buffer-class.js';
import type { BufferFactory, CreateTerms } from './buffer-factory.js';
import type { BufferLedger } from './buffer-ledger.js';
import {
  StoredBuffer,
  type BufferHome,
  type BufferState,
  type ManagedBuffer,
} from './managed-buffer.js';

/** Makes a buffer stand for a larger memory with the same content, and gives the former one back. */
export type Mover = (buffer: ManagedBuffer, size: number) => void;

/** What a get is served with: see `AllocOptions`. */
export interface GetTerms extends CreateTerms {
  /** Whether the buffer that was used longest ago is wanted. */
  readonly oldest?: boolean;
  /** Throws unless another buffer may be made. */
  readonly checkSpare?: (() => void) | undefined;
  readonly tag?: string | undefined;
}

export const PLAIN_TERMS: GetTerms = { direct: false, critical: false };

export class BufferWorks {
  created = 0;
  destroyed = 0;
  corrupted = 0;
  memory = 0;
  peakMemory = 0;
  readonly #ledger: BufferLedger;
  readonly #factory: BufferFactory;
  readonly #move: Mover | undefined;

  constructor(ledger: BufferLedger, factory: BufferFactory, move?: Mover) {
    this.#ledger = ledger;
    this.#factory = factory;
    this.#move = move;
  }

  /** @throws what the factory throws */
  make(
    home: BufferHome,
    bufferClass: BufferClass,
    size: number,
    terms: CreateTerms,
    nowMs: number,
  ): StoredBuffer {
    const ledger = this.#ledger;
    const began = ledger.sink ? ledger.nowMs() : nowMs;
    const memory = this.#factory.create(bufferClass, size, terms);
    const stored = new StoredBuffer(
      ledger.nextId(),
      home,
      bufferClass,
      memory,
      size,
      nowMs,
      !terms.critical,
    );
    this.created++;
    this.memory += stored.memoryBytes;
    if (this.memory > this.peakMemory) this.peakMemory = this.memory;
    ledger.made(stored);
    if (ledger.sink) ledger.tell('allocated', stored, began, ledger.nowMs() - began);
    return stored;
  }

  /** A buffer is its user's from now on. */
  begin(buffer: ManagedBuffer, size: number, { tag }: GetTerms, nowMs: number): ManagedBuffer {
    const ledger = this.#ledger;
    const { stored } = buffer;
    ledger.begin(stored, size, nowMs);
    buffer.become('in-use');
    if (tag !== undefined) buffer.metadata.set('tag', tag);
    if (ledger.tellsOf(stored)) ledger.tell('retrieved', stored, nowMs, ledger.nowMs() - nowMs);
    return buffer;
  }

  /** Whether a buffer may be used again; one that may not is destroyed. */
  validate(buffer: ManagedBuffer, nowMs: number): boolean {
    try {
      if (this.#factory.validate(buffer)) return true;
      this.corrupt(buffer, nowMs);
    } catch (error) {
      this.corrupt(buffer, nowMs, error);
    }
    return false;
  }

  /** Makes a buffer ready for the next user; one that cannot be is destroyed. */
  reset(buffer: ManagedBuffer, nowMs: number): boolean {
    try {
      this.#factory.reset(buffer);
    } catch (error) {
      this.corrupt(buffer, nowMs, error);
      return false;
    }
    const ledger = this.#ledger;
    if (ledger.tellsOf(buffer.stored)) ledger.tell('reset', buffer.stored, nowMs, 0);
    return true;
  }

  /** Destroys a buffer that is unfit. */
  corrupt(buffer: ManagedBuffer, nowMs: number, error?: unknown): void {
    this.corrupted++;
    const { stored } = buffer;
    this.#ledger.tell('corruption', stored, nowMs, nowMs - stored.createdAt, error);
    this.destroy(buffer, 'corrupted', nowMs);
  }

  /** Lets the memory of a buffer go. What the factory throws about that is told, or written to the console. */
  destroy(buffer: ManagedBuffer, state: BufferState, nowMs: number): void {
    const { stored } = buffer;
    buffer.become(state);
    stored.size = stored.capacity;
    this.destroyed++;
    this.memory -= stored.memoryBytes;
    this.#ledger.unmade(stored);
    let error: unknown;
    try {
      this.#factory.destroy(buffer);
    } catch (thrown) {
      error = thrown;
      if (this.#ledger.sink === undefined) console.error(thrown);
    }
    buffer.close();
    this.#ledger.tell('destroyed', stored, nowMs, nowMs - stored.createdAt, error);
  }

  /** @throws MillraceError `ERR_SIZE`, or as a get does when the buffer has to move */
  resize(buffer: ManagedBuffer, size: number): void {
    const { stored } = buffer;
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot resize buffer ${stored.id} to ${String(size)} bytes as the size must be an integer of 1 or more`,
      );
    }
    if (size <= stored.capacity) {
      const ledger = this.#ledger;
      ledger.resized(stored, size);
      if (ledger.tellsOf(stored)) ledger.tell('resized', stored, ledger.nowMs(), 0);
    } else if (this.#move) this.#move(buffer, size);
    else {
      throw new MillraceError(
        'ERR_SIZE',
        `Cannot resize buffer ${stored.id} to ${size} bytes as all buffers of its pool have ${stored.capacity}`,
      );
    }
  }
}

/** Whether `error` says that memory is short, and nothing worse. */
export function isShortage(error: unknown): boolean {
  if (!(error instanceof MillraceError)) return false;
  return error.code === 'ERR_POOL_EXHAUSTED' || error.code === 'ERR_OUT_OF_MEMORY';
}
