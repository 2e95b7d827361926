/**
 * The uses of buffers that were told of and go on, thread by thread. When a thread dies, nobody tells what becomes of
 * them: its memory is swept. So the monitor tells collectors and the analyser that they are destroyed.
 */
import type { MonitoredEvent } from './event-words.js';

/** Of one thread. The end of a use can be dropped, and it would stay for ever. */
const MOST = 1 << 16;

const NONE: readonly MonitoredEvent[] = [];

interface Uses {
  /** Which of those that had its number one after the other the thread is. */
  readonly epoch: number;
  readonly byId: Map<number, MonitoredEvent>;
}

export class OpenUses {
  readonly #threads = new Map<number, Uses>();

  /** Whatever is read of a thread next is of this one. @returns what ends the uses of one that had its number before */
  enter(thread: number, epoch: number, nowMs: number): readonly MonitoredEvent[] {
    if (this.#threads.get(thread)?.epoch === epoch) return NONE;
    const ends = this.leave(thread, nowMs);
    this.#threads.set(thread, { epoch, byId: new Map() });
    return ends;
  }

  note(event: MonitoredEvent): void {
    const { eventType, bufferId, thread, success } = event;
    const byId = this.#threads.get(thread)?.byId;
    if (eventType === 'returned' || eventType === 'destroyed') byId?.delete(bufferId);
    if (eventType !== 'retrieved' || !success || byId === undefined) return;
    // The latest stand at the end.
    byId.delete(bufferId);
    byId.set(bufferId, event);
    const [oldest] = byId.size > MOST ? byId.keys() : [];
    if (oldest !== undefined) byId.delete(oldest);
  }

  /** The thread is gone. @returns what ends its uses */
  leave(thread: number, nowMs: number): MonitoredEvent[] {
    const uses = this.#threads.get(thread)?.byId.values() ?? [];
    this.#threads.delete(thread);
    return [...uses].map(({ bufferId, size, class: of, timestamp, weight }) => ({
      eventType: 'destroyed',
      bufferId,
      size,
      class: of,
      timestamp: Math.max(timestamp, nowMs),
      durationMs: Math.max(0, nowMs - timestamp),
      success: true,
      thread,
      weight,
    }));
  }
}
