/** Events for an analyser: leases that begin and end when a test says so. */
import type { BufferClass, TraceEvent } from '@millrace/observe';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export function retrieved(
  timestampMs: number,
  id: number,
  size = 1000,
  tag?: string,
  of: BufferClass = 'small',
): TraceEvent {
  return { timestampMs, type: 'retrieved', id, class: of, size, tag };
}

export function returned(timestampMs: number, id: number): TraceEvent {
  return { timestampMs, type: 'returned', id, class: 'small', size: 1000 };
}

/** Keeps as many buffers of a class in use as it is told, by leasing and returning the difference. */
export class Level {
  readonly #sink: (event: TraceEvent) => void;
  readonly #class: BufferClass;
  readonly #size: number;
  readonly #firstId: number;
  #inUse = 0;

  constructor(
    sink: (event: TraceEvent) => void,
    of: BufferClass = 'small',
    size = 1000,
    firstId = 1,
  ) {
    this.#sink = sink;
    this.#class = of;
    this.#size = size;
    this.#firstId = firstId;
  }

  set(timestampMs: number, inUse: number): void {
    while (this.#inUse < inUse) {
      this.#tell('retrieved', timestampMs, this.#firstId + this.#inUse);
      this.#inUse += 1;
    }
    while (this.#inUse > inUse) {
      this.#inUse -= 1;
      this.#tell('returned', timestampMs, this.#firstId + this.#inUse);
    }
  }

  #tell(type: TraceEvent['type'], timestampMs: number, id: number): void {
    this.#sink({ timestampMs, type, id, class: this.#class, size: this.#size });
  }
}
