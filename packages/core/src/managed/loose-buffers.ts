/**
 * Loose buffers: those that are made for one use, in private memory or as slices that fit no pool.
 */
import type { BufferClass } from './buffer-class.js';
import type { BufferFactory } from './buffer-factory.js';
import type { BufferLedger } from './buffer-ledger.js';
import { BufferWorks, type GetTerms, type Mover } from './buffer-works.js';
import { ManagedBuffer, type BufferHome } from './managed-buffer.js';

export class LooseBuffers implements BufferHome {
  readonly ledger: BufferLedger;
  readonly #works: BufferWorks;

  constructor(ledger: BufferLedger, factory: BufferFactory, move: Mover) {
    this.ledger = ledger;
    this.#works = new BufferWorks(ledger, factory, move);
  }

  /** Bytes that they take. */
  get memoryUsage(): number {
    return this.#works.memory;
  }

  /**
   * @param capacity the bytes that it gets, at least `size`
   * @throws what the factory throws
   */
  get(bufferClass: BufferClass, size: number, capacity: number, terms: GetTerms): ManagedBuffer {
    terms.checkSpare?.();
    const now = this.ledger.now();
    const stored = this.#works.make(this, bufferClass, capacity, terms, now);
    return this.#works.begin(new ManagedBuffer(stored), size, terms, now);
  }

  takeBack(buffer: ManagedBuffer): void {
    const now = this.ledger.now();
    const marked = buffer.state === 'corrupted';
    buffer.become('returned');
    this.ledger.end(buffer.stored, now);
    if (marked) this.#works.corrupt(buffer, now);
    else this.#works.destroy(buffer, 'returned', now);
  }

  resize(buffer: ManagedBuffer, size: number): void {
    this.#works.resize(buffer, size);
  }
}
