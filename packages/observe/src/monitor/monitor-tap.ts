/**
 * A thread's way into a monitor: what its manager tells goes into the thread's stripe, and nobody is waited for.
 *
 *   manager ──event, one use in EVERY──▶ ring of events
 *           ──figures, once an interval──▶ ring of figures
 */
import {
  BroadcastRing,
  MillraceError,
  type BroadcastWriter,
  type BufferEvent,
  type BufferEventType,
  type BufferManager,
} from '@millrace/core';
import { EventWords } from './event-words.js';
import { FiguresWords } from './figures.js';
import {
  EVERY,
  FIGURES_SHAPE,
  eventsAt,
  eventsShape,
  figuresAt,
  type MonitorShape,
} from './monitor-layout.js';

/** What another thread needs to be heard by a monitor: it can be sent to it, or be its `workerData`. */
export interface MonitorHandle extends MonitorShape {
  readonly words: Int32Array<SharedArrayBuffer>;
  /** How often figures are wanted. */
  readonly intervalMs: number;
}

/** After these, figures are wanted at once: no other event may come for long. */
function isUrgent(type: BufferEventType): boolean {
  return type === 'corruption' || type === 'leak';
}

/** Those of which one in EVERY is told. */
function isSampled(type: BufferEventType): boolean {
  return type === 'retrieved' || type === 'returned' || type === 'reset' || type === 'resized';
}

export class MonitorTap {
  readonly thread: number;
  readonly #words: Int32Array;
  readonly #intervalMs: number;
  readonly #events: BroadcastWriter;
  readonly #figures: BroadcastWriter;
  readonly #event = new EventWords();
  readonly #row = new FiguresWords();
  #manager: BufferManager | undefined;
  #dueMs = -Infinity;

  /**
   * @param thread this thread's number, which no other has at the same time: from 1 to `threads`. That of its pools
   *   will do, if the monitor has as many.
   * @throws MillraceError `ERR_INVALID_ARG`
   */
  static attach(handle: MonitorHandle, thread: number): MonitorTap {
    if (Number.isInteger(thread) && thread >= 1 && thread <= handle.threads) {
      return new MonitorTap(handle, thread);
    }
    throw new MillraceError(
      'ERR_INVALID_ARG',
      `Cannot be heard by a monitor as thread ${String(thread)} as its threads are 1 to ${handle.threads}`,
    );
  }

  /** For {@link MonitorTap.attach}, and for the monitor itself, which is thread 0. */
  constructor(handle: MonitorHandle, thread: number) {
    const { words } = handle;
    this.thread = thread;
    this.#words = words;
    this.#intervalMs = handle.intervalMs;
    const events = new BroadcastRing(words, eventsAt(handle, thread), eventsShape(handle));
    const figures = new BroadcastRing(words, figuresAt(handle, thread), FIGURES_SHAPE);
    this.#events = events.writer();
    this.#figures = figures.writer();
  }

  /** One use of a buffer in so many is told of; 0 while the monitor is off. */
  get every(): number {
    return Atomics.load(this.#words, EVERY);
  }

  /** Has the monitor hear of what `manager` does, and of nobody else from this thread. */
  watch(manager: BufferManager): void {
    this.unwatch();
    this.#manager = manager;
    manager.onEvent((event) => this.record(event), this);
    this.report();
  }

  /** Ends that. */
  unwatch(): void {
    this.#manager?.onEvent(undefined);
    if (this.#manager) this.#tellFigures(this.#manager, false);
    this.#manager = undefined;
  }

  /** Writes an event, over the oldest one if there is no room: never waits. While the monitor is off, it does nothing. */
  record(event: BufferEvent): void {
    const { every } = this;
    if (every === 0) return;
    const weight = event.success && isSampled(event.eventType) ? every : 1;
    this.#events.write(this.#event.words, this.#event.encode(event, weight));
    if (event.timestamp >= this.#dueMs || isUrgent(event.eventType)) {
      this.#dueMs = event.timestamp + this.#intervalMs;
      this.report();
    }
  }

  /** Writes how the manager stands. That happens once an interval while events come; where none do, call it. */
  report(): void {
    if (this.#manager) this.#tellFigures(this.#manager, true);
  }

  #tellFigures(manager: BufferManager, open: boolean): void {
    this.#row.write(manager, open);
    this.#figures.write(this.#row.words);
  }
}
