/** A factory whose memory is private and whose every call is noted, and a clock that stands still until told. */
import {
  MillraceError,
  type BufferClass,
  type BufferEvent,
  type BufferFactory,
  type BufferMemory,
  type CreateTerms,
  type ManagedBuffer,
} from '@millrace/core';

export class Workshop implements BufferFactory {
  /** What was made, in order. */
  readonly created: { bufferClass: BufferClass; size: number; terms: CreateTerms }[] = [];
  readonly destroyed: { id: number; state: string }[] = [];
  /** States in which buffers were looked at. */
  readonly validated: string[] = [];
  readonly resets: number[] = [];
  /** Ids of buffers that are unfit. */
  readonly unfit = new Set<number>();
  /** How many more can be made. */
  left = Infinity;
  /** Thrown by the next call of its name. */
  readonly throws: Partial<Record<'create' | 'validate' | 'reset' | 'destroy', Error>> = {};

  create(bufferClass: BufferClass, size: number, terms: CreateTerms): BufferMemory {
    this.#throwFor('create');
    if (this.left-- <= 0) throw new MillraceError('ERR_POOL_EXHAUSTED', 'Cannot make more');
    this.created.push({ bufferClass, size, terms });
    return { bytes: new Uint8Array(size), memoryBytes: size };
  }

  validate(buffer: ManagedBuffer): boolean {
    this.#throwFor('validate');
    this.validated.push(buffer.state);
    return !this.unfit.has(buffer.id);
  }

  reset(buffer: ManagedBuffer): void {
    this.#throwFor('reset');
    this.resets.push(buffer.id);
    buffer.memory.bytes.fill(0);
  }

  destroy(buffer: ManagedBuffer): void {
    this.destroyed.push({ id: buffer.id, state: buffer.state });
    this.#throwFor('destroy');
  }

  #throwFor(call: 'create' | 'validate' | 'reset' | 'destroy'): void {
    const error = this.throws[call];
    delete this.throws[call];
    if (error) throw error;
  }
}

/** Milliseconds that pass when they are told to. */
export class HandClock {
  ms = 1_000_000;
  readonly nowMs = (): number => this.ms;
}

/** Events in short, such as `retrieved 1`. */
export function inShort(events: readonly BufferEvent[]): string[] {
  return events.map(({ eventType, bufferId }) => `${eventType} ${bufferId}`);
}
