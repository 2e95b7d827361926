/**
 * The trace of late: what users did with buffers last, as far as it can be remembered.
 */
import type { TraceEvent } from '../trace/trace-event.js';

/** How much more than is kept may pile up before the oldest is dropped. */
const SLACK = 1.25;

export class RecentTrace {
  readonly #most: number;
  #events: TraceEvent[] = [];
  /** Gets that are too old to be kept, of buffers that are in use still. */
  readonly #held = new Map<number, TraceEvent>();

  constructor(most: number) {
    this.#most = most;
  }

  add(event: TraceEvent): void {
    if (event.type !== 'retrieved' && event.type !== 'returned' && event.type !== 'resized') return;
    this.#events.push(event);
    if (this.#events.length > this.#most * SLACK) this.#trim();
  }

  /** Events in the order of time. What is in use from before is there as got when the trace begins. */
  events(): TraceEvent[] {
    const [first] = this.#events;
    if (first === undefined) return [];
    const { timestampMs } = first;
    return [
      ...[...this.#held.values()].map((event) => ({ ...event, timestampMs })),
      ...this.#events,
    ];
  }

  #trim(): void {
    const dropped = this.#events.splice(0, this.#events.length - this.#most);
    for (const event of dropped) {
      const { id, type, failed, size } = event;
      if (type === 'returned') this.#held.delete(id);
      else if (type === 'retrieved' && !failed) this.#held.set(id, event);
      else if (type === 'resized') {
        const held = this.#held.get(id);
        if (held !== undefined) this.#held.set(id, { ...held, size });
      }
    }
  }
}
