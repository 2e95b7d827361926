/**
 * A thread's way into a monitor: what its managers tell goes into the thread's stripe, and nobody is waited for.
 *
 *   managers ──event, one use in EVERY──▶ ring of events
 *            ──figures, at each upkeep────▶ ring of figures
 */
import {
  BroadcastRing,
  MillraceError,
  type BroadcastWriter,
  type BufferEvent,
  type BufferEventType,
  type BufferManager,
  type BufferPools,
  type EventSampling,
} from '@millrace/core';
import { EventWords } from './event-words.js';
import { ThreadFigures } from './figures.js';
import {
  EVERY,
  FIGURES_SHAPE,
  aheadOf,
  eventsAt,
  eventsShape,
  figuresAt,
  type MonitorShape,
} from './monitor-layout.js';

/** What another thread needs to be heard by a monitor: it can be sent to it, or be its `workerData`. */
export interface MonitorHandle extends MonitorShape {
  readonly words: Int32Array<SharedArrayBuffer>;
}

/** A thread that is to be heard: in one of a mill, `currentThread()`. */
export interface HeardThread<Handle = unknown> {
  /** The handle of the monitor; `undefined`: there is none. */
  readonly monitor: Handle;
  /** The memory that it has in common with the monitor's thread; by its number there the monitor knows the thread. */
  readonly buffers: Pick<BufferPools, 'thread' | 'registry'>;
}

/** After these, figures are wanted at once: no other event may come for long. */
function isUrgent(type: BufferEventType): boolean {
  return type === 'corruption' || type === 'leak';
}

/** Those of which one in EVERY is told. */
function isSampled(type: BufferEventType): boolean {
  return type === 'retrieved' || type === 'returned' || type === 'reset' || type === 'resized';
}

/** A ring has one writer: the taps of this thread, by the memory of their monitor. */
const attached = new WeakMap<ArrayBufferLike, MonitorTap>();

export class MonitorTap implements EventSampling {
  readonly thread: number;
  readonly #words: Int32Array;
  readonly #events: BroadcastWriter;
  readonly #rows: BroadcastWriter;
  readonly #event = new EventWords();
  readonly #figures: ThreadFigures;
  /** Buffers that were told of as leaks, and have not come back. */
  readonly #leaked = new Set<number>();

  /**
   * The tap of the calling thread: the same one, however often it is asked for.
   *
   * @returns `undefined` where the thread has no monitor
   * @throws MillraceError `ERR_INVALID_ARG` when the monitor has not so many threads
   */
  static attach(thread: HeardThread<MonitorHandle>): MonitorTap;
  static attach(thread: HeardThread): MonitorTap | undefined;
  static attach({ monitor, buffers }: HeardThread): MonitorTap | undefined {
    if (monitor === undefined) return undefined;
    const handle = checkedHandle(monitor);
    const known = attached.get(handle.words.buffer);
    if (known) return known;
    const { thread, registry } = buffers;
    if (thread > handle.threads) {
      throw new MillraceError(
        'ERR_INVALID_ARG',
        `Cannot be heard by a monitor as thread ${thread} as its threads are 1 to ${handle.threads}`,
      );
    }
    const tap = new MonitorTap(handle, thread, registry.epochOf(thread));
    attached.set(handle.words.buffer, tap);
    tap.report();
    return tap;
  }

  /** For {@link MonitorTap.attach}, and for the monitor itself, which is thread 0. */
  constructor(handle: MonitorHandle, thread: number, epoch: number) {
    const { words } = handle;
    this.thread = thread;
    this.#words = words;
    const events = new BroadcastRing(words, eventsAt(handle, thread), eventsShape(handle));
    const rows = new BroadcastRing(words, figuresAt(handle, thread), FIGURES_SHAPE);
    this.#events = events.writer({ ahead: aheadOf(handle), polled: true });
    this.#rows = rows.writer({ polled: true });
    this.#event.epoch = epoch;
    this.#figures = new ThreadFigures(epoch);
  }

  /** One use of a buffer in so many is told of; 0 while the monitor is off. */
  get every(): number {
    // Plainly, as nothing is ordered by it: whoever reads an old one tells of a use more, or less.
    return this.#words[EVERY]!;
  }

  /** Has the monitor hear of what `manager` does, beside others of this thread. */
  watch(manager: BufferManager): void {
    this.#figures.add(manager);
    manager.onEvent((event) => this.record(event), this);
    this.report();
  }

  /** Ends that; what it did counts. */
  unwatch(manager: BufferManager): void {
    manager.onEvent(undefined);
    this.#figures.remove(manager);
    this.report();
  }

  /** Ends it for all managers. */
  unwatchAll(): void {
    for (const manager of this.#figures.managers) this.unwatch(manager);
  }

  /** Has all managers do their upkeep. */
  upkeep(): void {
    for (const manager of this.#figures.managers) manager.upkeep();
  }

  /** Writes an event, over the oldest one if there is no room: never waits. While the monitor is off, it does nothing. */
  record(event: BufferEvent): void {
    const { every } = this;
    if (every === 0) return;
    const weight = this.#isOneOfMany(event) ? every : 1;
    this.#events.write(this.#event.words, this.#event.encode(event, weight));
    if (isUrgent(event.eventType)) this.report();
  }

  /** Whether it stands for others that are not told of, as events of uses do; but whatever leaked, its return is told. */
  #isOneOfMany({ eventType, success, bufferId }: BufferEvent): boolean {
    if (eventType === 'leak') this.#leaked.add(bufferId);
    const leaked = eventType === 'returned' && this.#leaked.size > 0;
    if (leaked && this.#leaked.delete(bufferId)) return false;
    return success && isSampled(eventType);
  }

  /** For the managers: so figures are written in time, however few uses are told of. */
  onUpkeep(): void {
    if (this.every > 0) this.report();
  }

  /**
   * Writes how the managers stand. That happens with each upkeep of theirs, so once a `monitoringIntervalMs` while they are used;
   * where they are not, call it.
   */
  report(): void {
    this.#rows.write(this.#figures.refresh());
  }
}

function checkedHandle(monitor: unknown): MonitorHandle {
  const handle = monitor as Partial<MonitorHandle> | null;
  if (handle?.words instanceof Int32Array && handle.threads !== undefined) {
    return handle as MonitorHandle;
  }
  throw new MillraceError(
    'ERR_INVALID_ARG',
    `Cannot be heard by a monitor of type ${typeof monitor} as that is no handle of one`,
  );
}
