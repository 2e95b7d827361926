/**
 * Memory that is only counted: what a manager's pools and factory are in a simulation.
 */
import {
  MillraceError,
  type BufferFactory,
  type BufferMemory,
  type CreateTerms,
  type ManagedBuffer,
  type ManagedMemory,
} from '@millrace/core';
import { slotBytesFor } from '@millrace/core/internal';
import type { ServeCosts } from './serve-costs.js';

const NO_BYTES = new Uint8Array(0);

export class VirtualMemory implements BufferFactory, ManagedMemory {
  readonly memoryBytes: number;
  readonly largest: number;
  readonly thread = 0;
  /** Bytes of slices. */
  lentBytes = 0;
  /** Bytes of all buffers. */
  bytes = 0;
  made = 0;
  /** How long making took, all in all. */
  madeMs = 0;
  readonly #costs: ServeCosts;
  readonly #changed: () => void;

  /**
   * @param memoryBytes what the pools have
   * @param changed is called when {@link bytes} has changed
   */
  constructor(memoryBytes: number, costs: ServeCosts, changed: () => void) {
    this.memoryBytes = memoryBytes;
    this.largest = memoryBytes;
    this.#costs = costs;
    this.#changed = changed;
  }

  acquire(): never {
    throw new TypeError('Nothing is leased in a simulation');
  }

  create(_: unknown, size: number, { direct }: CreateTerms): BufferMemory {
    const memoryBytes = direct ? size : slotBytesFor(size);
    if (!direct && this.lentBytes + memoryBytes > this.memoryBytes) {
      throw new MillraceError(
        'ERR_POOL_EXHAUSTED',
        `Cannot make a buffer of ${size} bytes as ${this.lentBytes} of ${this.memoryBytes} bytes are lent`,
      );
    }
    if (!direct) this.lentBytes += memoryBytes;
    this.bytes += memoryBytes;
    this.made++;
    this.madeMs += this.#costs.makeMs(size, direct);
    this.#changed();
    return direct ? new Direct(memoryBytes) : new Lent(memoryBytes);
  }

  validate(): boolean {
    return true;
  }

  reset(): void {}

  destroy({ memory }: ManagedBuffer): void {
    if (memory instanceof Lent) this.lentBytes -= memory.memoryBytes;
    this.bytes -= memory.memoryBytes;
    this.#changed();
  }
}

class Direct implements BufferMemory {
  readonly bytes = NO_BYTES;
  readonly memoryBytes: number;

  constructor(memoryBytes: number) {
    this.memoryBytes = memoryBytes;
  }
}

/** Of the pools. */
class Lent extends Direct {}
